//! The untyped tree of a program.
//!
//! Nodes live in one vector, children before their parents, so that walks are loops and dropping
//! never recurses, however deep the tree.

use crate::source::Span;
use std::ops::Index;
use std::sync::Arc;

/// A place in [`Ast::exprs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// A name as the language compares it: NFKC-normalised, without backticks.
pub type Name = Arc<str>;

/// A name where it stands in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// The normalised name.
    pub name: Name,
    /// Where it stands, backticks included.
    pub span: Span,
}

/// A parsed program. Where the text had errors, [`Expr::Error`] stands for what could not be read.
#[derive(Clone, Debug)]
pub struct Ast {
    /// The text.
    pub text: Arc<str>,
    /// Every expression, children before parents.
    pub exprs: Vec<Expr>,
    /// The place of each expression, parentheses excluded.
    pub spans: Vec<Span>,
    /// The statements in order.
    pub statements: Vec<Statement>,
}

/// A parsed definition of a function.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The function's name.
    pub name: Identifier,
    /// The parameters in order; those with defaults last.
    pub parameters: Vec<Parameter>,
    /// The body: a program of one expression, whose places are those in the definition's text.
    pub body: Ast,
}

/// A parameter of a definition.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// The name.
    pub name: Identifier,
    /// The default, as the body is.
    pub default: Option<Ast>,
}

/// A statement and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// Its value.
    pub value: ExprId,
    /// The whole statement.
    pub span: Span,
}

/// What a statement does with its value.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `let name = value`
    Let(Identifier),
    /// `name = value`
    Assign(Identifier),
    /// `name op= value`
    Update(Identifier, BinaryOp),
    /// `value`, the program's result
    Result,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// What could not be parsed; only in an Ast that comes with diagnostics.
    Error,
    /// `12`, `0xff`; never negative. Text beyond 2^127 saturates at `i128::MAX`.
    Int(i128),
    /// `1.5`, `1e3`
    Float(f64),
    /// `2j`
    Imaginary(f64),
    /// `True`, `False`
    Bool(bool),
    /// `"text"`
    Str(Arc<str>),
    /// A string of bytes.
    Bytes(Arc<[u8]>),
    /// A name that is not called.
    Name(Name),
    /// `-a`, `+a`, `~a`, `not a`
    Unary(UnaryOp, ExprId),
    /// `a + b`
    Binary(BinaryOp, ExprId, ExprId),
    /// `a < b <= c`: the first operand, then each operator with its right operand.
    Compare(ExprId, Vec<(CompareOp, ExprId)>),
    /// `a and b`, `a or b`
    Logical(LogicalOp, ExprId, ExprId),
    /// `then if condition else otherwise`
    Conditional {
        /// The value where the condition holds.
        then: ExprId,
        /// The condition.
        condition: ExprId,
        /// The value elsewhere.
        otherwise: ExprId,
    },
    /// `f(a, b, key=c)`
    Call(Identifier, Vec<Argument>),
    /// `None`, as the value of an option.
    None,
    /// `(a, b)`, as the value of an option.
    Tuple(Vec<ExprId>),
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// The parameter's name, where the call gives it.
    pub keyword: Option<Identifier>,
    /// The value.
    pub value: ExprId,
}

/// A prefix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `+`
    Pos,
    /// `~`
    Invert,
    /// `not`
    Not,
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `//`
    FloorDiv,
    /// `%`
    Mod,
    /// `**`
    Pow,
    /// `&`
    And,
    /// `|`
    Or,
    /// `^`
    Xor,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

/// `and`, `or`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LogicalOp {
    /// `and`
    And,
    /// `or`
    Or,
}

impl UnaryOp {
    /// The operator's text.
    pub const fn symbol(self) -> &'static str {
        match self {
            UnaryOp::Neg => "-",
            UnaryOp::Pos => "+",
            UnaryOp::Invert => "~",
            UnaryOp::Not => "not",
        }
    }
}

impl BinaryOp {
    /// The operator's text.
    pub const fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::FloorDiv => "//",
            BinaryOp::Mod => "%",
            BinaryOp::Pow => "**",
            BinaryOp::And => "&",
            BinaryOp::Or => "|",
            BinaryOp::Xor => "^",
            BinaryOp::Shl => "<<",
            BinaryOp::Shr => ">>",
        }
    }
}

impl CompareOp {
    /// The operator's text.
    pub const fn symbol(self) -> &'static str {
        match self {
            CompareOp::Eq => "==",
            CompareOp::Ne => "!=",
            CompareOp::Lt => "<",
            CompareOp::Le => "<=",
            CompareOp::Gt => ">",
            CompareOp::Ge => ">=",
        }
    }
}

impl LogicalOp {
    /// The operator's text.
    pub const fn symbol(self) -> &'static str {
        match self {
            LogicalOp::And => "and",
            LogicalOp::Or => "or",
        }
    }
}

impl Ast {
    /// Every expression, children before parents.
    pub fn expressions(&self) -> &[Expr] {
        &self.exprs
    }

    /// The place of an expression.
    pub fn span(&self, id: ExprId) -> Span {
        self.spans[id.0 as usize]
    }
}

impl Index<ExprId> for Ast {
    type Output = Expr;

    fn index(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }
}
