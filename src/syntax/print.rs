//! The tree as text: as a program that parses to the same tree, and as an indented outline.

use super::ast::{Ast, Expr, ExprId, Identifier, StatementKind};
use super::lexer::is_identifier;
use super::precedence::Precedence;
use std::fmt::Write;

/// What is still to be written.
enum Step<'a> {
    Text(&'a str),
    Name(&'a str),
    /// An expression, in parentheses if it binds looser than this.
    Expr(ExprId, Precedence),
}

/// The program in canonical form: a statement a line, the fewest parentheses.
pub fn print(ast: &Ast) -> String {
    let mut out = String::new();
    for (index, statement) in ast.statements.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        match &statement.kind {
            StatementKind::Let(name) => {
                out.push_str("let ");
                print_name(&mut out, &name.name);
                out.push_str(" = ");
            }
            StatementKind::Assign(name) => {
                print_name(&mut out, &name.name);
                out.push_str(" = ");
            }
            StatementKind::Update(name, op) => {
                print_name(&mut out, &name.name);
                out.extend([" ", op.symbol(), "= "]);
            }
            StatementKind::Result => {}
        }
        print_expr(&mut out, ast, statement.value);
    }
    out
}

fn print_expr(out: &mut String, ast: &Ast, root: ExprId) {
    // The last step is the next to be done.
    let mut steps = vec![Step::Expr(root, Precedence::Conditional)];
    while let Some(step) = steps.pop() {
        match step {
            Step::Text(text) => out.push_str(text),
            Step::Name(name) => print_name(out, name),
            Step::Expr(id, least) => {
                let expr = &ast[id];
                let parenthesized = precedence(expr) < least;
                if parenthesized {
                    out.push('(');
                    steps.push(Step::Text(")"));
                }
                let from = steps.len();
                print_parts(out, &mut steps, expr);
                steps[from..].reverse();
            }
        }
    }
}

/// Writes a leaf, or adds an expression's parts in their order.
fn print_parts<'a>(out: &mut String, steps: &mut Vec<Step<'a>>, expr: &'a Expr) {
    match expr {
        Expr::Error => out.push_str("..."),
        Expr::Int(value) => _ = write!(out, "{value}"),
        Expr::Float(value) => print_float(out, *value),
        Expr::Imaginary(value) => {
            print_float(out, *value);
            out.push('j');
        }
        Expr::Bool(true) => out.push_str("True"),
        Expr::Bool(false) => out.push_str("False"),
        Expr::Str(value) => print_string(out, value),
        Expr::Bytes(value) => print_bytes(out, value),
        Expr::Name(name) => print_name(out, name),
        Expr::Unary(op, operand) => {
            let space = if op.symbol().len() > 1 { " " } else { "" };
            steps.extend([Step::Text(op.symbol()), Step::Text(space), Step::Expr(*operand, op.precedence())]);
        }
        Expr::Binary(op, left, right) => {
            let own = op.precedence();
            let (before, after) = match own {
                // `**` takes whole operands before it, and prefix operators after it.
                Precedence::Power => (Precedence::Operand, Precedence::Unary),
                _ => (own, tighter(own)),
            };
            let symbol = Step::Text(op.symbol());
            steps.extend([Step::Expr(*left, before), Step::Text(" "), symbol, Step::Text(" ")]);
            steps.push(Step::Expr(*right, after));
        }
        Expr::Compare(first, rest) => {
            let operand = tighter(Precedence::Comparison);
            steps.push(Step::Expr(*first, operand));
            for (op, right) in rest {
                steps.extend([Step::Text(" "), Step::Text(op.symbol()), Step::Text(" "), Step::Expr(*right, operand)]);
            }
        }
        Expr::Logical(op, left, right) => {
            let own = op.precedence();
            steps.extend([Step::Expr(*left, own), Step::Text(" "), Step::Text(op.symbol()), Step::Text(" ")]);
            steps.push(Step::Expr(*right, tighter(own)));
        }
        Expr::Conditional { then, condition, otherwise } => {
            steps.extend([
                Step::Expr(*then, Precedence::Or),
                Step::Text(" if "),
                Step::Expr(*condition, Precedence::Or),
            ]);
            steps.extend([Step::Text(" else "), Step::Expr(*otherwise, Precedence::Conditional)]);
        }
        Expr::Call(function, arguments) => {
            steps.extend([Step::Name(&function.name), Step::Text("(")]);
            for (index, argument) in arguments.iter().enumerate() {
                if index > 0 {
                    steps.push(Step::Text(", "));
                }
                if let Some(keyword) = &argument.keyword {
                    steps.extend([Step::Name(&keyword.name), Step::Text("=")]);
                }
                steps.push(Step::Expr(argument.value, Precedence::Conditional));
            }
            steps.push(Step::Text(")"));
        }
        Expr::None => out.push_str("None"),
        Expr::Tuple(items) => {
            steps.push(Step::Text("("));
            for (index, &item) in items.iter().enumerate() {
                if index > 0 {
                    steps.push(Step::Text(", "));
                }
                steps.push(Step::Expr(item, Precedence::Conditional));
            }
            steps.push(Step::Text(if items.len() == 1 { ",)" } else { ")" }));
        }
    }
}

fn precedence(expr: &Expr) -> Precedence {
    match expr {
        Expr::Unary(op, _) => op.precedence(),
        Expr::Binary(op, ..) => op.precedence(),
        Expr::Compare(..) => Precedence::Comparison,
        Expr::Logical(op, ..) => op.precedence(),
        Expr::Conditional { .. } => Precedence::Conditional,
        _ => Precedence::Operand,
    }
}

/// The next tighter precedence.
fn tighter(precedence: Precedence) -> Precedence {
    match precedence {
        Precedence::Conditional => Precedence::Or,
        Precedence::Or => Precedence::And,
        Precedence::And => Precedence::Not,
        Precedence::Not => Precedence::Comparison,
        Precedence::Comparison => Precedence::BitOr,
        Precedence::BitOr => Precedence::BitXor,
        Precedence::BitXor => Precedence::BitAnd,
        Precedence::BitAnd => Precedence::Shift,
        Precedence::Shift => Precedence::Sum,
        Precedence::Sum => Precedence::Product,
        Precedence::Product => Precedence::Unary,
        Precedence::Unary => Precedence::Power,
        Precedence::Power | Precedence::Operand => Precedence::Operand,
    }
}

/// A name, in backticks where it needs them.
fn print_name(out: &mut String, name: &str) {
    match is_identifier(name) {
        true => out.push_str(name),
        false => out.extend(["`", name, "`"]),
    }
}

/// The shortest digits that read as the same number.
fn print_float(out: &mut String, value: f64) {
    match value.is_finite() {
        true => _ = write!(out, "{value:?}"),
        // A literal beyond the greatest number reads as infinity.
        false => out.push_str("1e999"),
    }
}

fn print_string(out: &mut String, value: &str) {
    out.push('"');
    for c in value.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_ascii_control() => _ = write!(out, "\\x{:02x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn print_bytes(out: &mut String, value: &[u8]) {
    out.push_str("b\"");
    for byte in value {
        match byte {
            b'\\' | b'"' => out.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => _ = write!(out, "\\x{byte:02x}"),
        }
    }
    out.push('"');
}

/// Levels that the outline indents; deeper ones are numbered.
const INDENTED: usize = 40;

impl Ast {
    /// The tree as an indented outline, a node a line.
    pub fn dump(&self) -> String {
        let mut out = String::new();
        for statement in &self.statements {
            out.push_str(match &statement.kind {
                StatementKind::Let(_) => "let ",
                StatementKind::Assign(_) => "assign ",
                StatementKind::Update(..) => "update ",
                StatementKind::Result => "result",
            });
            match &statement.kind {
                StatementKind::Let(name) | StatementKind::Assign(name) => print_name(&mut out, &name.name),
                StatementKind::Update(name, op) => {
                    print_name(&mut out, &name.name);
                    out.extend([" ", op.symbol()]);
                }
                StatementKind::Result => {}
            }
            out.push('\n');
            self.dump_expr(&mut out, statement.value);
        }
        out
    }

    fn dump_expr(&self, out: &mut String, root: ExprId) {
        // The last is the next to be written.
        let mut rest: Vec<(ExprId, usize, Option<&Identifier>)> = vec![(root, 1, None)];
        while let Some((id, level, keyword)) = rest.pop() {
            match level <= INDENTED {
                true => _ = write!(out, "{:1$}", "", 2 * level),
                false => _ = write!(out, "{:1$}[{level}] ", "", 2 * INDENTED),
            }
            if let Some(keyword) = keyword {
                print_name(out, &keyword.name);
                out.push('=');
            }
            let from = rest.len();
            let mut child = |id: ExprId| rest.push((id, level + 1, None));
            match &self[id] {
                Expr::Error => out.push_str("error"),
                Expr::Int(value) => _ = write!(out, "int {value}"),
                Expr::Float(value) => _ = write!(out, "float {value:?}"),
                Expr::Imaginary(value) => _ = write!(out, "imaginary {value:?}"),
                Expr::Bool(value) => _ = write!(out, "bool {value}"),
                Expr::Str(value) => {
                    out.push_str("string ");
                    print_string(out, value);
                }
                Expr::Bytes(value) => {
                    out.push_str("bytes ");
                    print_bytes(out, value);
                }
                Expr::Name(name) => {
                    out.push_str("name ");
                    print_name(out, name);
                }
                Expr::Unary(op, operand) => {
                    out.extend(["unary ", op.symbol()]);
                    child(*operand);
                }
                Expr::Binary(op, left, right) => {
                    out.extend(["binary ", op.symbol()]);
                    child(*left);
                    child(*right);
                }
                Expr::Compare(first, comparisons) => {
                    out.push_str("compare");
                    child(*first);
                    for (op, right) in comparisons {
                        out.extend([" ", op.symbol()]);
                        child(*right);
                    }
                }
                Expr::Logical(op, left, right) => {
                    out.extend(["logical ", op.symbol()]);
                    child(*left);
                    child(*right);
                }
                Expr::Conditional { then, condition, otherwise } => {
                    out.push_str("conditional");
                    child(*then);
                    child(*condition);
                    child(*otherwise);
                }
                Expr::Call(function, arguments) => {
                    out.push_str("call ");
                    print_name(out, &function.name);
                    rest.extend(arguments.iter().map(|a| (a.value, level + 1, a.keyword.as_ref())));
                }
                Expr::None => out.push_str("none"),
                Expr::Tuple(items) => {
                    out.push_str("tuple");
                    items.iter().for_each(|&item| child(item));
                }
            }
            out.push('\n');
            rest[from..].reverse();
        }
    }

    /// Whether both trees are the same, wherever their nodes stand in the text.
    pub fn same_tree(&self, other: &Ast) -> bool {
        if self.statements.len() != other.statements.len() {
            return false;
        }
        let mut pairs = Vec::new();
        for (a, b) in self.statements.iter().zip(&other.statements) {
            let same = match (&a.kind, &b.kind) {
                (StatementKind::Let(a), StatementKind::Let(b)) => a.name == b.name,
                (StatementKind::Assign(a), StatementKind::Assign(b)) => a.name == b.name,
                (StatementKind::Update(a, op), StatementKind::Update(b, other)) => a.name == b.name && op == other,
                (StatementKind::Result, StatementKind::Result) => true,
                _ => false,
            };
            if !same {
                return false;
            }
            pairs.push((a.value, b.value));
        }
        while let Some((a, b)) = pairs.pop() {
            let same = match (&self[a], &other[b]) {
                (Expr::Error, Expr::Error) => true,
                (Expr::Int(a), Expr::Int(b)) => a == b,
                (Expr::Float(a), Expr::Float(b)) => a.to_bits() == b.to_bits(),
                (Expr::Imaginary(a), Expr::Imaginary(b)) => a.to_bits() == b.to_bits(),
                (Expr::Bool(a), Expr::Bool(b)) => a == b,
                (Expr::Str(a), Expr::Str(b)) => a == b,
                (Expr::Bytes(a), Expr::Bytes(b)) => a == b,
                (Expr::Name(a), Expr::Name(b)) => a == b,
                (Expr::Unary(op, a), Expr::Unary(other, b)) => {
                    pairs.push((*a, *b));
                    op == other
                }
                (Expr::Binary(op, a, c), Expr::Binary(other, b, d)) => {
                    pairs.extend([(*a, *b), (*c, *d)]);
                    op == other
                }
                (Expr::Logical(op, a, c), Expr::Logical(other, b, d)) => {
                    pairs.extend([(*a, *b), (*c, *d)]);
                    op == other
                }
                (Expr::Compare(a, left), Expr::Compare(b, right)) => {
                    pairs.push((*a, *b));
                    pairs.extend(left.iter().zip(right).map(|(l, r)| (l.1, r.1)));
                    left.len() == right.len() && left.iter().zip(right).all(|(l, r)| l.0 == r.0)
                }
                (
                    Expr::Conditional { then: a, condition: c, otherwise: e },
                    Expr::Conditional { then: b, condition: d, otherwise: f },
                ) => {
                    pairs.extend([(*a, *b), (*c, *d), (*e, *f)]);
                    true
                }
                (Expr::Call(a, left), Expr::Call(b, right)) => {
                    let keyword = |argument: &super::ast::Argument| argument.keyword.as_ref().map(|k| k.name.clone());
                    pairs.extend(left.iter().zip(right).map(|(l, r)| (l.value, r.value)));
                    a.name == b.name && left.iter().map(keyword).eq(right.iter().map(keyword))
                }
                (Expr::None, Expr::None) => true,
                (Expr::Tuple(left), Expr::Tuple(right)) => {
                    pairs.extend(left.iter().copied().zip(right.iter().copied()));
                    left.len() == right.len()
                }
                _ => false,
            };
            if !same {
                return false;
            }
        }
        true
    }
}
