//! Which operator binds tighter: Python's table.

use super::ast::{BinaryOp, CompareOp, LogicalOp, UnaryOp};
use super::token::Token;

/// How tightly an operator binds, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Precedence {
    /// `a if c else b`
    Conditional,
    /// `or`
    Or,
    /// `and`
    And,
    /// `not`
    Not,
    /// `< <= > >= == !=`
    Comparison,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `&`
    BitAnd,
    /// `<< >>`
    Shift,
    /// `+ -`
    Sum,
    /// `* / // %`
    Product,
    /// Prefix `- + ~`
    Unary,
    /// `**`
    Power,
    /// Names, literals, calls, anything in parentheses.
    Operand,
}

/// What `a op b op c` means where both operators have the same precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Associativity {
    /// `(a op b) op c`
    Left,
    /// `a op (b op c)`
    Right,
    /// Neither: both operators compare with `b`.
    Chain,
}

impl Precedence {
    /// How operators of this precedence group among themselves.
    pub(super) fn associativity(self) -> Associativity {
        match self {
            Precedence::Power | Precedence::Conditional | Precedence::Not | Precedence::Unary => Associativity::Right,
            Precedence::Comparison => Associativity::Chain,
            _ => Associativity::Left,
        }
    }
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Infix {
    Binary(BinaryOp),
    Compare(CompareOp),
    Logical(LogicalOp),
}

impl Infix {
    pub(super) fn precedence(self) -> Precedence {
        match self {
            Infix::Binary(op) => op.precedence(),
            Infix::Compare(_) => Precedence::Comparison,
            Infix::Logical(op) => op.precedence(),
        }
    }
}

impl UnaryOp {
    pub(super) fn precedence(self) -> Precedence {
        match self {
            UnaryOp::Neg | UnaryOp::Pos | UnaryOp::Invert => Precedence::Unary,
            UnaryOp::Not => Precedence::Not,
        }
    }
}

impl BinaryOp {
    pub(super) fn precedence(self) -> Precedence {
        match self {
            BinaryOp::Or => Precedence::BitOr,
            BinaryOp::Xor => Precedence::BitXor,
            BinaryOp::And => Precedence::BitAnd,
            BinaryOp::Shl | BinaryOp::Shr => Precedence::Shift,
            BinaryOp::Add | BinaryOp::Sub => Precedence::Sum,
            BinaryOp::Mul | BinaryOp::Div | BinaryOp::FloorDiv | BinaryOp::Mod => Precedence::Product,
            BinaryOp::Pow => Precedence::Power,
        }
    }
}

impl LogicalOp {
    pub(super) fn precedence(self) -> Precedence {
        match self {
            LogicalOp::Or => Precedence::Or,
            LogicalOp::And => Precedence::And,
        }
    }
}

impl Token {
    /// The prefix operator that this token is.
    pub(super) fn prefix(self) -> Option<UnaryOp> {
        Some(match self {
            Token::Minus => UnaryOp::Neg,
            Token::Plus => UnaryOp::Pos,
            Token::Tilde => UnaryOp::Invert,
            Token::Not => UnaryOp::Not,
            _ => return None,
        })
    }

    /// The infix operator that this token is.
    pub(super) fn infix(self) -> Option<Infix> {
        Some(match self {
            Token::Plus => Infix::Binary(BinaryOp::Add),
            Token::Minus => Infix::Binary(BinaryOp::Sub),
            Token::Star => Infix::Binary(BinaryOp::Mul),
            Token::Slash => Infix::Binary(BinaryOp::Div),
            Token::SlashSlash => Infix::Binary(BinaryOp::FloorDiv),
            Token::Percent => Infix::Binary(BinaryOp::Mod),
            Token::StarStar => Infix::Binary(BinaryOp::Pow),
            Token::Ampersand => Infix::Binary(BinaryOp::And),
            Token::Pipe => Infix::Binary(BinaryOp::Or),
            Token::Caret => Infix::Binary(BinaryOp::Xor),
            Token::ShiftLeft => Infix::Binary(BinaryOp::Shl),
            Token::ShiftRight => Infix::Binary(BinaryOp::Shr),
            Token::Equal => Infix::Compare(CompareOp::Eq),
            Token::NotEqual => Infix::Compare(CompareOp::Ne),
            Token::Less => Infix::Compare(CompareOp::Lt),
            Token::LessEqual => Infix::Compare(CompareOp::Le),
            Token::Greater => Infix::Compare(CompareOp::Gt),
            Token::GreaterEqual => Infix::Compare(CompareOp::Ge),
            Token::And => Infix::Logical(LogicalOp::And),
            Token::Or => Infix::Logical(LogicalOp::Or),
            _ => return None,
        })
    }

    /// The operator `op` of the update `op=` that this token is.
    pub(super) fn update(self) -> Option<BinaryOp> {
        Some(match self {
            Token::PlusAssign => BinaryOp::Add,
            Token::MinusAssign => BinaryOp::Sub,
            Token::StarAssign => BinaryOp::Mul,
            Token::SlashAssign => BinaryOp::Div,
            Token::SlashSlashAssign => BinaryOp::FloorDiv,
            Token::PercentAssign => BinaryOp::Mod,
            Token::StarStarAssign => BinaryOp::Pow,
            Token::AmpersandAssign => BinaryOp::And,
            Token::PipeAssign => BinaryOp::Or,
            Token::CaretAssign => BinaryOp::Xor,
            Token::ShiftLeftAssign => BinaryOp::Shl,
            Token::ShiftRightAssign => BinaryOp::Shr,
            _ => return None,
        })
    }

    /// Whether this assigns, in whatever way.
    pub(super) fn assigns(self) -> bool {
        matches!(self, Token::Assign | Token::ColonAssign | Token::AtAssign) || self.update().is_some()
    }
}
