//! The syntax: tables of trees and of reports, generated trees and sentences, hostile texts.

#[path = "common/random.rs"]
mod random;
#[path = "common/table.rs"]
mod table;

use numfuse::diagnostic::{Category, Diagnostic, Report};
use numfuse::source::Span;
use numfuse::syntax::ast::{
    Argument, Ast, BinaryOp, CompareOp, Definition, Expr, ExprId, Identifier, LogicalOp, Name, Statement,
    StatementKind, UnaryOp,
};
use numfuse::syntax::{Limits, Parsed, Token, parse, parse_definition, print, tokens};
use random::Random;
use std::collections::BTreeMap;
use std::fs;
use std::rc::Rc;
use std::sync::Arc;
use table::check_table;

fn report(text: &str) -> String {
    let parsed = parse(text, &Limits::default());
    match parsed.diagnostics.is_empty() {
        true => "no error".to_string(),
        false => Report::new(Arc::from(text), parsed.diagnostics).to_string(),
    }
}

#[test]
fn texts_give_the_trees_of_the_table() {
    check_table("syntax/trees.txt", |text| {
        let parsed = parse(text, &Limits::default());
        match parsed.diagnostics.is_empty() {
            true => parsed.ast.dump(),
            false => report(text),
        }
    });
}

#[test]
fn mistakes_give_the_reports_of_the_table() {
    check_table("diagnostics/syntax.txt", report);
}

/// A text, the same with other spelling, and whether they mean the same.
#[test]
fn spellings_of_one_program() {
    let same = [
        ("x+y", " \t x  +\\\n y # sum"),
        ("f(x, y)", "f(\n  x, # first\n  y,\n)"),
        ("a; b = 1", "a = b; c"),
        ("a = 1; b = 2", "\n\na = 1\r\n\r\n;;b = 2\r"),
        ("ﬁ + x", "fi + x"),
        ("`a b` + `x`", "`a b` + x"),
        ("255", "0xFf"),
        ("1e3", "1_000."),
        ("'a\\x41\\u00e9'", "\"aAé\""),
        ("a < b < c", "(a < b) < c"),
        ("-x**2", "(-x)**2"),
        ("-x**2", "-(x**2)"),
        ("2**-1**2", "2**(-(1**2))"),
        ("a if b else c if d else e", "a if b else (c if d else e)"),
        ("not a == b", "not (a == b)"),
        ("a or b and c", "a or (b and c)"),
    ];
    let differ = [2, 9, 10];
    for (index, (left, right)) in same.iter().enumerate() {
        let left_tree = parse(left, &Limits::default()).ast;
        let right_tree = parse(right, &Limits::default()).ast;
        assert_eq!(left_tree.same_tree(&right_tree), !differ.contains(&index), "{left:?} and {right:?}");
    }
}

#[test]
fn spans_leave_out_an_expressions_own_parentheses() {
    let text = "y = (a + b) * (f (x))";
    let ast = parse(text, &Limits::default()).ast;
    let at = |expr: &dyn Fn(&Expr) -> bool| {
        let id = ast.exprs.iter().position(expr).expect("the expression");
        &text[ast.spans[id].range()]
    };
    assert_eq!(at(&|e| matches!(e, Expr::Binary(BinaryOp::Add, ..))), "a + b");
    assert_eq!(at(&|e| matches!(e, Expr::Call(..))), "f (x)");
    assert_eq!(at(&|e| matches!(e, Expr::Binary(BinaryOp::Mul, ..))), "(a + b) * (f (x))");
    assert_eq!(ast.statements[0].span, Span::new(0, text.len()));
}

#[test]
fn integers_saturate_and_floats_are_correctly_rounded() {
    let value = |text: &str| parse(text, &Limits::default()).ast.exprs[0].clone();
    assert_eq!(value("9223372036854775808"), Expr::Int(1 << 63));
    assert_eq!(value(&"9".repeat(10_000)), Expr::Int(i128::MAX));
    assert_eq!(value("0b1_0"), Expr::Int(2));
    assert_eq!(value("0x_ff"), Expr::Int(255));
    assert_eq!(value("00_0"), Expr::Int(0));
    assert_eq!(value("9007199254740993.0"), Expr::Float(9007199254740992.0));
    assert_eq!(value("1e999"), Expr::Float(f64::INFINITY));
    assert_eq!(value("012.5"), Expr::Float(12.5));
    assert_eq!(value("1_0e1_0J"), Expr::Imaginary(1e11));
}

// Generated programs.

const NAMES: &[&str] = &["x", "y1", "_", "été", "λ", "two words", "if", "let", "1st", "ﬁ", "a\\b", "#", "True"];

fn identifier(random: &mut Random) -> Identifier {
    Identifier { name: Name::from(random.pick(NAMES)), span: Span::default() }
}

/// A program of a few random trees.
fn generate_ast(random: &mut Random) -> Ast {
    let mut ast = Ast { text: Arc::from(""), exprs: Vec::new(), spans: Vec::new(), statements: Vec::new() };
    for index in 0..1 + random.below(3) {
        // A forest whose trees are joined at random: of all shapes, none deeper than 60.
        let mut forest: Vec<ExprId> = Vec::new();
        for _ in 0..1 + random.below(60) {
            let expr = generate_expr(random, &mut ast, &mut forest);
            forest.push(push(&mut ast, expr));
        }
        let kind = match random.below(4) {
            0 => StatementKind::Let(identifier(random)),
            1 => StatementKind::Assign(identifier(random)),
            2 => StatementKind::Update(identifier(random), random.pick(BINARY)),
            _ if index == 0 => StatementKind::Result,
            _ => StatementKind::Assign(identifier(random)),
        };
        let statement = Statement { kind, value: forest[forest.len() - 1], span: Span::default() };
        // A bare expression must be the last statement.
        ast.statements.insert(0, statement);
    }
    ast
}

const BINARY: &[BinaryOp] = &[
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::Div,
    BinaryOp::FloorDiv,
    BinaryOp::Mod,
    BinaryOp::Pow,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
    BinaryOp::Shl,
    BinaryOp::Shr,
];
const COMPARE: &[CompareOp] =
    &[CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge];
const UNARY: &[UnaryOp] = &[UnaryOp::Neg, UnaryOp::Pos, UnaryOp::Invert, UnaryOp::Not];

fn push(ast: &mut Ast, expr: Expr) -> ExprId {
    ast.exprs.push(expr);
    ast.spans.push(Span::default());
    ExprId(ast.exprs.len() as u32 - 1)
}

/// A leaf, or an expression over trees taken from the forest.
fn generate_expr(random: &mut Random, ast: &mut Ast, forest: &mut Vec<ExprId>) -> Expr {
    let kind = if forest.is_empty() { 0 } else { random.below(14) };
    let mut child = |random: &mut Random| match forest.len() {
        0 => push(ast, Expr::Name(Name::from("leaf"))),
        count => forest.swap_remove(random.below(count)),
    };
    match kind {
        0..=3 => match random.below(8) {
            0 => Expr::Int(i128::from(random.bits()) >> random.below(64)),
            1 => Expr::Float(f64::from_bits(random.bits() >> 1).min(f64::INFINITY)), // `min` drops NaN
            2 => Expr::Imaginary(random.below(1000) as f64 / 8.0),
            3 => Expr::Bool(random.below(2) == 0),
            4 => Expr::Str(Arc::from(random.pick(&["", "a", "\"'\\", "\n\t\r\0", "é\u{7f}🦀#"]))),
            _ => Expr::Name(Name::from(random.pick(NAMES))),
        },
        4 | 5 => Expr::Unary(random.pick(UNARY), child(random)),
        6..=8 => Expr::Binary(random.pick(BINARY), child(random), child(random)),
        9 => {
            let first = child(random);
            let rest = (0..1 + random.below(3)).map(|_| (random.pick(COMPARE), child(random))).collect();
            Expr::Compare(first, rest)
        }
        10 => Expr::Logical(random.pick(&[LogicalOp::And, LogicalOp::Or]), child(random), child(random)),
        11 | 12 => Expr::Conditional { then: child(random), condition: child(random), otherwise: child(random) },
        _ => {
            let function = identifier(random);
            let positional = random.below(3);
            let mut arguments: Vec<Argument> =
                (0..positional).map(|_| Argument { keyword: None, value: child(random) }).collect();
            for keyword in ["k", "of"].into_iter().take(random.below(3)) {
                let keyword = Identifier { name: Name::from(keyword), span: Span::default() };
                arguments.push(Argument { keyword: Some(keyword), value: child(random) });
            }
            Expr::Call(function, arguments)
        }
    }
}

#[test]
fn printing_and_parsing_again_gives_the_same_tree() {
    let mut random = Random::new();
    let (mut nodes, mut longest) = (0, 0);
    for _ in 0..4000 {
        let ast = generate_ast(&mut random);
        let text = print(&ast);
        let limits = Limits { depth: usize::MAX, ..Limits::default() };
        let parsed = parse(&text, &limits);
        assert!(parsed.diagnostics.is_empty(), "{text}\n{:?}", parsed.diagnostics);
        assert!(ast.same_tree(&parsed.ast), "{text}\n{}\n{}", ast.dump(), parsed.ast.dump());
        assert_eq!(print(&parsed.ast), text, "the canonical text is its own canonical text");
        nodes += parsed.ast.exprs.len();
        longest = longest.max(text.len());
    }
    println!("{nodes} nodes in all, the longest text has {longest} bytes");
    assert!(nodes > 20_000, "the generator makes too little: {nodes} nodes");
}

/// What must hold for every parsed text whatever.
fn check_parsed(text: &str, limits: &Limits) -> Parsed {
    let parsed = parse(text, limits);
    assert!(parsed.diagnostics.len() <= 101, "{} diagnostics", parsed.diagnostics.len());
    for diagnostic in &parsed.diagnostics {
        assert!(text.get(diagnostic.span.range()).is_some(), "{text:?}: {diagnostic:?}");
        assert_eq!(diagnostic.category, Category::Syntax);
        assert!(!diagnostic.message.ends_with('.') || diagnostic.message.ends_with("..."), "{diagnostic:?}");
    }
    assert_eq!(parsed.ast.exprs.len(), parsed.ast.spans.len());
    assert!(parsed.ast.exprs.len() <= limits.nodes.max(1));
    for span in parsed.ast.spans.iter().chain(parsed.ast.statements.iter().map(|s| &s.span)) {
        assert!(text.get(span.range()).is_some(), "{text:?}: a node at {span}");
    }
    parsed
}

/// The same, and that the other functions take the text, too.
fn check_any(text: &str, limits: &Limits) -> Parsed {
    let parsed = check_parsed(text, limits);
    if parsed.diagnostics.is_empty() {
        assert!(!parsed.ast.exprs.contains(&Expr::Error), "{text:?} has an error that is not reported");
        let again = parse(&print(&parsed.ast), limits);
        assert!(again.diagnostics.is_empty() && again.ast.same_tree(&parsed.ast), "{text:?}");
    } else {
        _ = Report::new(Arc::from(text), parsed.diagnostics.clone()).to_string();
    }
    _ = parsed.ast.dump();
    let mut end = 0;
    for (_, span) in tokens(text) {
        assert!(text.get(span.range()).is_some() && span.start >= end, "{text:?}: a token at {span}");
        end = span.end;
    }
    parsed
}

/// What must hold for every text that is to be a definition.
fn check_definition(text: &str, limits: &Limits) -> Result<Definition, Vec<Diagnostic>> {
    let parsed = parse_definition(text, limits);
    match &parsed {
        Ok(definition) => {
            let defaults = definition.parameters.iter().filter_map(|parameter| parameter.default.as_ref());
            let mut nodes = 0;
            for ast in defaults.chain([&definition.body]) {
                assert!(!ast.exprs.contains(&Expr::Error), "{text:?} has an error that is not reported");
                assert!(ast.statements.len() == 1 && ast.statements[0].value.0 as usize == ast.exprs.len() - 1);
                assert!(ast.spans.iter().all(|span| text.get(span.range()).is_some()));
                let again = parse(&print(ast), limits);
                assert!(again.diagnostics.is_empty() && again.ast.same_tree(ast), "{text:?}");
                nodes += ast.exprs.len();
            }
            assert!(nodes <= limits.nodes.max(1), "{text:?}: {nodes} nodes");
        }
        Err(diagnostics) => {
            assert!((1..=101).contains(&diagnostics.len()), "{text:?}: {} diagnostics", diagnostics.len());
            for diagnostic in diagnostics {
                assert!(text.get(diagnostic.span.range()).is_some(), "{text:?}: {diagnostic:?}");
                assert_eq!(diagnostic.category, Category::Syntax);
            }
        }
    }
    parsed
}

const PIECES: &[&str] = &[
    "x",
    "y ",
    "sin",
    "if ",
    " else ",
    " and ",
    " or ",
    " not ",
    " is ",
    " in ",
    " for ",
    "lambda ",
    "let ",
    "return ",
    "None",
    "True",
    "`a b`",
    "``",
    "`",
    "'s'",
    "'",
    "\"",
    "\\",
    "\\\n",
    "1",
    "0x",
    "1e",
    "012",
    "2.5e-3j",
    ".5",
    "1__0",
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ";",
    "\n",
    "\r\n",
    "\r",
    "#",
    "=",
    "+=",
    "**=",
    "@=",
    ":=",
    "==",
    "=<",
    "=>",
    "<",
    "<=",
    "<>",
    "===",
    "!=",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "&",
    "&&",
    "|",
    "||",
    "^",
    "~",
    "<<",
    ">>",
    "!",
    "?",
    ":",
    "::",
    "->",
    ".",
    "@",
    "$",
    "×",
    "−",
    "≤",
    "é",
    "λ",
    "🦀",
    "\u{a0}",
    "\u{feff}",
    "\0",
    "\u{301}",
    "ﬁ",
    "f(x, k=1)",
    "np.sin(x)",
    "x[0]",
];

#[test]
fn arguments_may_be_named_by_keywords() {
    let bare = check_parsed("f(x, lambda=1, let=2 if c else 3, if=4)", &Limits::default());
    assert_eq!(bare.diagnostics, []);
    let quoted = check_parsed("f(x, `lambda`=1, `let`=2 if c else 3, `if`=4)", &Limits::default());
    assert!(bare.ast.same_tree(&quoted.ast));
    for text in ["lambda", "f(lambda)", "f(x, lambda==1)", "lambda = 1"] {
        assert!(!check_any(text, &Limits::default()).diagnostics.is_empty(), "{text}");
    }
}

#[test]
fn no_token_soup_panics() {
    let mut random = Random::new();
    let mut right = 0;
    for round in 0..40_000 {
        let length = 1 + random.below(if round % 100 == 0 { 300 } else { 12 });
        let text: String = (0..length).map(|_| random.pick(PIECES)).collect();
        let depth = random.pick(&[1, 3, 256]);
        let nodes = random.pick(&[0, 1, 5, 100_000]);
        let limits = Limits { depth, nodes, ..Limits::default() };
        right += usize::from(check_any(&text, &limits).diagnostics.is_empty());
        _ = check_definition(&text, &limits);
        _ = check_definition(&format!("f(x, y={text}) = {text}"), &limits);
        _ = check_definition(&format!("f({text}) = x"), &limits);
    }
    println!("{right} of 40000 were programs");
    assert!(right > 100, "the generator makes too few programs");
}

#[test]
fn no_text_panics() {
    let mut random = Random::new();
    for _ in 0..20_000 {
        let length = random.below(24);
        let bytes: Vec<u8> = (0..length).map(|_| random.bits() as u8).collect();
        check_any(&String::from_utf8_lossy(&bytes), &Limits::default());
        let characters = (0..length).map(|_| (random.bits() as u32 >> random.below(24)) & 0x10_ffff);
        check_any(&characters.filter_map(char::from_u32).collect::<String>(), &Limits::default());
    }
}

#[test]
fn hostile_texts_give_few_diagnostics() {
    let million = 1_000_000;
    let limit = "nested more than 256 levels deep";
    let cases = [
        ("(", million, "x", limit),
        ("-", million, "x", limit),
        ("+ ", million, "x", limit),
        ("~", million, "", limit),
        ("f(", million, "x", limit),
        ("f(x, ", million, "x", limit),
        ("[", million, "", "lists are not supported"),
        ("{", million, "", "sets and dictionaries"),
        ("[(", million, "", "lists are not supported"),
        ("not ", million, "x", limit),
        ("2**", million, "x", limit),
        ("2**-", million, "x", limit),
        ("((x)+", million, "x", limit),
        ("a+", million, "a", "more than 100000 operands"),
        ("a<", million, "a", "more than 100000 operands"),
        ("a and ", million, "a", "more than 100000 operands"),
        ("a=", million, "a", "a statement assigns one name"),
        ("a if b else ", 100_000, "c", "more than 100000 operands"),
        ("a if ", million, "c", "this conditional has no `else`"),
        ("a if b ", million, "c", "expected an operator before `a`"),
        ("x.", million, "x", "there are no attributes but"),
        ("z.real+", million, "x", "more than 100000 operands"),
        ("x.y(", million, "x", "methods are not supported"),
        ("(a, ", million, "x", "`(` is never closed"),
        (")", million, "x", "closes nothing"),
        ("x;", million, "x", "of this statement is not used"),
        ("x=1;", million, "x", "more than 100000 operands"),
        ("x[0]", million, "", "subscripts are not supported"),
        ("f(x)(y)", million, "", "only a name can be called"),
        ("c ? a : ", million, "x", "`?` is not an operator"),
        ("lambda x: ", million, "x", "`lambda` is not supported"),
        ("$", million, "x", "no meaning here"),
        ("!", million, "x", "`!` is not an operator here"),
        ("&&", million, "x", "expected a value, found `&&`"),
        ("`", million, "x", "backticks is empty"),
        ("'\\x", million, "x", "is not an escape sequence"),
        ("\n", million, "", "the expression is empty"),
        ("f(a=1,", million, "", limit),
        ("1", million, "x", "is not a number"),
    ];
    let mut wrong = Vec::new();
    for (piece, times, end, expected) in cases {
        let text = piece.repeat(times) + end;
        let limits = Limits { characters: usize::MAX, ..Limits::default() };
        let parsed = check_parsed(&text, &limits);
        let found: Vec<&str> = parsed.diagnostics.iter().map(|d| d.message.as_str()).collect();
        if !found.iter().any(|message| message.contains(expected)) {
            wrong.push(format!("{piece:?}: {:?}", &found[..found.len().min(3)]));
        }
        // The text is over the limit of characters, which is seen at once.
        if text.len() > Limits::default().characters {
            let parsed = parse(&text, &Limits::default());
            assert_eq!(parsed.diagnostics.len(), 1);
            assert!(parsed.diagnostics[0].message.contains("more than 1048576 characters"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn long_flat_programs_are_no_depth() {
    let texts = [
        "a + ".repeat(20_000) + "a",
        "a < ".repeat(20_000) + "a",
        "a and b or ".repeat(10_000) + "a",
        "a if b else ".repeat(20_000) + "c",
        "a - b * ".repeat(10_000) + "c",
        "x = -y\n".repeat(20_000),
        format!("f({})", "x, ".repeat(50_000)),
        format!("{}x{}", "(".repeat(256), ")".repeat(256)),
        format!("{}x", "-".repeat(256)),
    ];
    for text in texts {
        let parsed = check_any(&text, &Limits::default());
        assert_eq!(parsed.diagnostics, [], "{}", &text[..40]);
    }
}

/// Children stand before their parents, so that a walk over the tree is a loop.
#[test]
fn children_stand_before_their_parents() {
    let text = "y = a if b < c <= d else e if not f(g, k=-h) else i ** j ** k or l + m";
    let ast = parse(text, &Limits::default()).ast;
    for (index, expr) in ast.exprs.iter().enumerate() {
        let children: Vec<ExprId> = match expr {
            Expr::Unary(_, a) => vec![*a],
            Expr::Binary(_, a, b) | Expr::Logical(_, a, b) => vec![*a, *b],
            Expr::Compare(a, rest) => rest.iter().map(|(_, b)| *b).chain([*a]).collect(),
            Expr::Conditional { then, condition, otherwise } => vec![*then, *condition, *otherwise],
            Expr::Call(_, arguments) => arguments.iter().map(|a| a.value).collect(),
            _ => vec![],
        };
        assert!(children.iter().all(|child| (child.0 as usize) < index), "{index}: {expr:?}");
    }
}

#[test]
fn tokens_show_what_was_recognised() {
    let found: Vec<(Token, &str)> = tokens("y += f(\n2x) # sum\nb")
        .iter()
        .map(|&(token, span)| (token, &"y += f(\n2x) # sum\nb"[span.range()]))
        .collect();
    let expected = [
        (Token::Name, "y"),
        (Token::PlusAssign, "+="),
        (Token::Name, "f"),
        (Token::LeftParen, "("),
        (Token::Number, "2x"),
        (Token::RightParen, ")"),
        (Token::Newline, "\n"),
        (Token::Name, "b"),
        (Token::End, ""),
    ];
    assert_eq!(found, expected);
}

// Sentences made from the grammar.

/// The right side of a production.
#[derive(Clone, Debug)]
enum Rule {
    Text(String),
    /// A character or characters described in words.
    Special(String),
    Production(String),
    Sequence(Vec<Rule>),
    Choice(Vec<Rule>),
    Optional(Box<Rule>),
    Repeated(Box<Rule>),
}

/// A reader of ISO 14977 notation.
struct Ebnf<'t>(&'t str);

impl Ebnf<'_> {
    fn skip_blank(&mut self) {
        loop {
            self.0 = self.0.trim_start();
            match self.0.strip_prefix("(*").and_then(|rest| rest.split_once("*)")) {
                Some((_, rest)) => self.0 = rest,
                None => return,
            }
        }
    }

    fn eat(&mut self, sign: char) -> bool {
        self.skip_blank();
        let rest = self.0.strip_prefix(sign);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, sign: char) {
        assert!(self.eat(sign), "expected {sign} at {:?}", self.0.get(..40));
    }

    fn until(&mut self, sign: char) -> String {
        let (text, rest) = self.0.split_once(sign).expect("a closing quote");
        self.0 = rest;
        text.to_string()
    }

    fn word(&mut self) -> String {
        self.skip_blank();
        let end = self.0.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        assert!(!word.is_empty(), "expected a word at {:?}", self.0.get(..40));
        self.0 = rest;
        word.to_string()
    }

    fn grammar(&mut self) -> BTreeMap<String, Rule> {
        let mut rules = BTreeMap::new();
        while !{
            self.skip_blank();
            self.0.is_empty()
        } {
            let name = self.word();
            self.expect('=');
            let rule = self.choice();
            self.expect(';');
            assert!(rules.insert(name.clone(), rule).is_none(), "two productions of {name}");
        }
        rules
    }

    fn choice(&mut self) -> Rule {
        let mut rules = vec![self.sequence()];
        while self.eat('|') {
            rules.push(self.sequence());
        }
        Rule::Choice(rules)
    }

    fn sequence(&mut self) -> Rule {
        let mut rules = vec![self.factor()];
        while self.eat(',') {
            rules.push(self.factor());
        }
        Rule::Sequence(rules)
    }

    fn factor(&mut self) -> Rule {
        if self.eat('\'') {
            return Rule::Text(self.until('\''));
        }
        if self.eat('"') {
            return Rule::Text(self.until('"'));
        }
        if self.eat('?') {
            return Rule::Special(self.until('?').trim().to_string());
        }
        for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
            if self.eat(open) {
                let rule = self.choice();
                self.expect(close);
                return match open {
                    '(' => rule,
                    '[' => Rule::Optional(rule.into()),
                    _ => Rule::Repeated(rule.into()),
                };
            }
        }
        Rule::Production(self.word())
    }
}

/// Texts that fit the grammar's descriptions in words.
fn special(description: &str) -> &'static [&'static str] {
    match description {
        "a keyword of Python, or \"let\"" => &["lambda", "let", "if", "True"],
        "a character with the property XID_Start" => &["X", "q", "é", "λ", "ﬁ"],
        "a character with the property XID_Continue" => &["X", "9", "_", "é", "\u{301}"],
        "a character except a backtick or a line's end" => &["a", " ", "\\", "'", "#", "🦀"],
        "hexadecimal digits, an underscore may stand between two" => &["0", "fF", "0_1_2"],
        "octal digits, likewise" => &["0", "7_7"],
        "binary digits, likewise" => &["0", "10_1"],
        "an ASCII character except ', \\ or a line's end" => &["a", "\"", " ", "~", "#", ";"],
        "an ASCII character except \", \\ or a line's end" => &["a", "'", " ", "0", "`"],
        "a character except ', \\ or a line's end" => &["a", "\"", " ", "é", "#", ";"],
        "a character except \", \\ or a line's end" => &["a", "'", " ", "🦀", "`"],
        "2 hexadecimal digits" => &["00", "aF"],
        "4 hexadecimal digits of a character" => &["0000", "00e9", "FFFF"],
        "8 hexadecimal digits of a character" => &["0001F980", "00000041"],
        "CR LF, LF or CR" => &["\n", "\r\n", "\r"],
        other => panic!("no sample of: {other}"),
    }
}

struct Sentences {
    rules: Rc<BTreeMap<String, Rule>>,
    lexical: Vec<String>,
    heights: BTreeMap<String, usize>,
    random: Random,
}

impl Sentences {
    /// How many productions a rule needs at least, one below the other.
    fn height(&self, rule: &Rule) -> usize {
        match rule {
            Rule::Text(_) | Rule::Special(_) | Rule::Optional(_) | Rule::Repeated(_) => 0,
            Rule::Production(name) => self.heights.get(name).map_or(1000, |height| 1 + height),
            Rule::Sequence(rules) => rules.iter().map(|rule| self.height(rule)).max().unwrap_or(0),
            Rule::Choice(rules) => rules.iter().map(|rule| self.height(rule)).min().unwrap_or(0),
        }
    }

    /// Finds the height of each production, the lowest first.
    fn measure(&mut self) {
        for height in 0..50 {
            for (name, rule) in Rc::clone(&self.rules).iter() {
                if !self.heights.contains_key(name) && self.height(rule) <= height {
                    self.heights.insert(name.clone(), height);
                }
            }
        }
        assert_eq!(self.heights.len(), self.rules.len(), "a production that never ends");
    }

    fn write(&mut self, out: &mut String, rule: &Rule, budget: usize, lexical: bool) {
        // A long sentence takes the shortest way to its end.
        let budget = if out.len() > 300 { 0 } else { budget };
        match rule {
            Rule::Text(text) => {
                out.push_str(text);
                out.push_str(if lexical { "" } else { " " });
            }
            Rule::Special(description) => out.push_str(self.random.pick(special(description))),
            Rule::Production(name) => {
                let token = self.lexical.contains(name);
                let rules = Rc::clone(&self.rules);
                self.write(out, &rules[name], budget.saturating_sub(1), token);
                out.push_str(if token && !lexical { " " } else { "" });
            }
            Rule::Sequence(rules) => rules.iter().for_each(|rule| self.write(out, rule, budget, lexical)),
            Rule::Choice(rules) => {
                let heights: Vec<usize> = rules.iter().map(|rule| self.height(rule)).collect();
                let least = heights.iter().min().copied().unwrap_or(0);
                let fitting = |&index: &usize| heights[index] <= least.max(budget);
                let fitting: Vec<usize> = (0..rules.len()).filter(fitting).collect();
                let index = self.random.pick(&fitting);
                self.write(out, &rules[index], budget, lexical);
            }
            Rule::Optional(rule) => {
                if budget > 0 && self.random.below(2) == 0 {
                    self.write(out, rule, budget, lexical);
                }
            }
            Rule::Repeated(rule) => {
                while budget > 0 && self.random.below(2) == 0 {
                    self.write(out, rule, budget, lexical);
                }
            }
        }
    }
}

#[test]
fn sentences_of_the_grammar_parse() {
    let path = format!("{}/grammar/numfuse.ebnf", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).expect("the grammar");
    let (_, lexical) = text.split_once("(* ---- Lexical").expect("the lexical part");
    let (_, lexical) = lexical.split_once("*)").expect("the end of a comment");
    let lexical = Ebnf(lexical).grammar().into_keys().collect();
    let rules = Rc::new(Ebnf(&text).grammar());
    let (program, definition) = (rules["program"].clone(), rules["definition"].clone());
    let mut sentences = Sentences { rules, lexical, heights: BTreeMap::new(), random: Random::new() };
    sentences.measure();
    // What the grammar says in its comments only, and what a program must be beyond it.
    let conditions = [
        "`not` binds looser",
        "starts with a zero",
        "follows one with a name",
        "is given twice",
        "of this statement is not used",
        "the expression is empty",
        "comes twice",
        "has no default, but the one before it has",
    ];
    let (mut right, mut all, mut bytes) = (0, 0, 0);
    for _ in 0..8_000 {
        let mut sentence = String::new();
        sentences.write(&mut sentence, &program, 20, false);
        let parsed = check_any(&sentence, &Limits::default());
        for diagnostic in &parsed.diagnostics {
            let known = conditions.iter().any(|condition| diagnostic.message.contains(condition));
            assert!(known, "{sentence}\n{}", report(&sentence));
        }
        all += 1;
        right += usize::from(parsed.diagnostics.is_empty());
        bytes += sentence.len();
    }
    let mut defined = 0;
    for _ in 0..4_000 {
        let mut sentence = String::new();
        sentences.write(&mut sentence, &definition, 20, false);
        let diagnostics = check_definition(&sentence, &Limits::default()).err().unwrap_or_default();
        defined += usize::from(diagnostics.is_empty());
        for diagnostic in diagnostics {
            let known = conditions.iter().any(|condition| diagnostic.message.contains(condition));
            assert!(known, "{sentence}\n{diagnostic:?}");
        }
    }
    println!("{right} of {all} sentences were programs, {bytes} bytes in all; {defined} were definitions");
    assert!(defined > 100, "only {defined} sentences were definitions");
    assert!(right > 200 && bytes > 200_000, "the sentences test too little");
}

/// No limit lets the parser's stack outgrow a thread of the usual size.
#[test]
fn depth_has_a_limit_of_its_own() {
    let limits = Limits { depth: usize::MAX, ..Limits::default() };
    let nested = |depth: usize| "f(1 + (".repeat(depth / 2) + "x" + &"))".repeat(depth / 2);
    assert_eq!(check_any(&nested(Limits::MAX_DEPTH), &limits).diagnostics, []);
    let parsed = check_any(&nested(Limits::MAX_DEPTH + 2), &limits);
    assert!(parsed.diagnostics[0].message.contains("nested more than 512 levels deep"), "{:?}", parsed.diagnostics);
}

#[test]
fn a_definition_has_bounds() {
    let limits = Limits { characters: 100, nodes: 20, depth: 10 };
    let first = |text: &str| match check_definition(text, &limits) {
        Ok(_) => String::new(),
        Err(diagnostics) => diagnostics[0].message.clone(),
    };
    assert_eq!(first("f(x, y=1+2, z=3+4) = x + y + z"), "");
    assert_eq!(first(&format!("f(x) = x{}", " ".repeat(100))), "the expression has more than 100 characters");
    assert_eq!(
        first("f(a=1+2+3+4, b=5+6+7+8, c=1+2+3+4) = 9"),
        "the expression has more than 20 operands and operators"
    );
    assert_eq!(first("f(x) = ((((((((((((x))))))))))))"), "the expression is nested more than 10 levels deep");
    let names = |count: usize| (0..count).map(|n| format!("x{n}")).collect::<Vec<_>>().join(", ");
    assert!(parse_definition(&format!("f({}) = 1", names(255)), &Limits::default()).is_ok());
    let many = parse_definition(&format!("f({}) = 1", names(100_000)), &Limits::default()).unwrap_err();
    assert_eq!(many[0].message, "the function has more than 255 parameters");
}
