//! The tokens, and how far each extends.
//!
//! Logos finds where a token starts and what sort it is; the functions here find where a name, a
//! number or a string ends. Whether it is well formed is the lexer's business.

use logos::{Lexer, Logos};
use unicode_ident::{is_xid_continue, is_xid_start};

/// A token. Some exist only to recognise what people write in other languages.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[logos(skip r"[ \t\x0C]+")]
#[logos(skip(r"#[^\r\n]*", allow_greedy = true))]
#[logos(skip r"\\(\r\n|\r|\n)")]
pub enum Token {
    /// An identifier.
    #[regex(r"[A-Za-z_]", identifier)]
    #[regex(r"[^\x00-\x7F]", other_character)]
    Name,
    /// Any text in backticks.
    #[token("`", quoted_name)]
    QuotedName,
    /// What starts as a number does, with all letters and digits that follow.
    #[regex(r"\.?[0-9]", number)]
    Number,
    /// A string in single or double quotes.
    #[regex(r#"["']"#, string)]
    String,
    /// The same of bytes.
    #[regex(r#"[bB]["']"#, bytes)]
    Bytes,
    /// The end of a line outside brackets.
    #[regex(r"\r\n|\r|\n")]
    Newline,
    /// `;`
    #[token(";")]
    Semicolon,

    /// `True`
    True,
    /// `False`
    False,
    /// `None`
    None,
    /// `let`
    Let,
    /// `if`
    If,
    /// `else`
    Else,
    /// `and`
    And,
    /// `or`
    Or,
    /// `not`
    Not,
    /// `is`
    Is,
    /// `in`
    In,
    /// `for`
    For,
    /// `lambda`
    Lambda,
    /// Any other keyword of Python.
    Keyword,

    /// `+`
    #[token("+")]
    Plus,
    /// `-`
    #[token("-")]
    Minus,
    /// `*`
    #[token("*")]
    Star,
    /// `/`
    #[token("/")]
    Slash,
    /// `//`
    #[token("//")]
    SlashSlash,
    /// `%`
    #[token("%")]
    Percent,
    /// `**`
    #[token("**")]
    StarStar,
    /// `&`
    #[token("&")]
    Ampersand,
    /// `|`
    #[token("|")]
    Pipe,
    /// `^`
    #[token("^")]
    Caret,
    /// `~`
    #[token("~")]
    Tilde,
    /// `<<`
    #[token("<<")]
    ShiftLeft,
    /// `>>`
    #[token(">>")]
    ShiftRight,
    /// `==`
    #[token("==")]
    Equal,
    /// `!=`
    #[token("!=")]
    NotEqual,
    /// `<`
    #[token("<")]
    Less,
    /// `<=`
    #[token("<=")]
    LessEqual,
    /// `>`
    #[token(">")]
    Greater,
    /// `>=`
    #[token(">=")]
    GreaterEqual,

    /// `=`
    #[token("=")]
    Assign,
    /// `+=`
    #[token("+=")]
    PlusAssign,
    /// `-=`
    #[token("-=")]
    MinusAssign,
    /// `*=`
    #[token("*=")]
    StarAssign,
    /// `/=`
    #[token("/=")]
    SlashAssign,
    /// `//=`
    #[token("//=")]
    SlashSlashAssign,
    /// `%=`
    #[token("%=")]
    PercentAssign,
    /// `**=`
    #[token("**=")]
    StarStarAssign,
    /// `&=`
    #[token("&=")]
    AmpersandAssign,
    /// `|=`
    #[token("|=")]
    PipeAssign,
    /// `^=`
    #[token("^=")]
    CaretAssign,
    /// `<<=`
    #[token("<<=")]
    ShiftLeftAssign,
    /// `>>=`
    #[token(">>=")]
    ShiftRightAssign,

    /// `(`
    #[token("(")]
    LeftParen,
    /// `)`
    #[token(")")]
    RightParen,
    /// `[`
    #[token("[")]
    LeftBracket,
    /// `]`
    #[token("]")]
    RightBracket,
    /// `{`
    #[token("{")]
    LeftBrace,
    /// `}`
    #[token("}")]
    RightBrace,
    /// `,`
    #[token(",")]
    Comma,

    /// `&&`
    #[token("&&")]
    AndAnd,
    /// `||`
    #[token("||")]
    OrOr,
    /// `!`
    #[token("!")]
    Bang,
    /// `?`
    #[token("?")]
    Question,
    /// `:`
    #[token(":")]
    Colon,
    /// `::`
    #[token("::")]
    ColonColon,
    /// `:=`
    #[token(":=")]
    ColonAssign,
    /// `->`
    #[token("->")]
    Arrow,
    /// `=>`
    #[token("=>")]
    FatArrow,
    /// `=<`
    #[token("=<")]
    EqualLess,
    /// `===`
    #[token("===")]
    EqualEqualEqual,
    /// `<>`
    #[token("<>")]
    LessGreater,
    /// `.`
    #[token(".")]
    Dot,
    /// `@`
    #[token("@")]
    At,
    /// `@=`
    #[token("@=")]
    AtAssign,

    /// A quote whose string has no end on its line.
    UnterminatedString,
    /// A backtick without a second one on its line.
    UnterminatedName,
    /// Two backticks with nothing between.
    EmptyName,
    /// A character that starts no token.
    Unknown,
    /// The end of the text.
    End,
}

/// Python's keywords, which can't be names, and `let`; sorted.
const KEYWORDS: &[(&str, Token)] = &[
    ("False", Token::False),
    ("None", Token::None),
    ("True", Token::True),
    ("and", Token::And),
    ("as", Token::Keyword),
    ("assert", Token::Keyword),
    ("async", Token::Keyword),
    ("await", Token::Keyword),
    ("break", Token::Keyword),
    ("class", Token::Keyword),
    ("continue", Token::Keyword),
    ("def", Token::Keyword),
    ("del", Token::Keyword),
    ("elif", Token::Keyword),
    ("else", Token::Else),
    ("except", Token::Keyword),
    ("finally", Token::Keyword),
    ("for", Token::For),
    ("from", Token::Keyword),
    ("global", Token::Keyword),
    ("if", Token::If),
    ("import", Token::Keyword),
    ("in", Token::In),
    ("is", Token::Is),
    ("lambda", Token::Lambda),
    ("let", Token::Let),
    ("nonlocal", Token::Keyword),
    ("not", Token::Not),
    ("or", Token::Or),
    ("pass", Token::Keyword),
    ("raise", Token::Keyword),
    ("return", Token::Keyword),
    ("try", Token::Keyword),
    ("while", Token::Keyword),
    ("with", Token::Keyword),
    ("yield", Token::Keyword),
];

/// The keyword that a word is.
pub(super) fn keyword(word: &str) -> Option<Token> {
    KEYWORDS.binary_search_by_key(&word, |(text, _)| text).ok().map(|index| KEYWORDS[index].1)
}

/// An identifier or a keyword, after its first character: all that may continue it.
fn identifier(lexer: &mut Lexer<'_, Token>) -> Token {
    bump_while(lexer, is_xid_continue);
    keyword(lexer.slice()).unwrap_or(Token::Name)
}

/// A character beyond ASCII: the start of a name, or nothing.
fn other_character(lexer: &mut Lexer<'_, Token>) -> Token {
    match lexer.slice().chars().all(is_xid_start) {
        true => identifier(lexer),
        false => Token::Unknown,
    }
}

/// A name in backticks, after the first.
fn quoted_name(lexer: &mut Lexer<'_, Token>) -> Token {
    bump_while(lexer, |c| !matches!(c, '`' | '\n' | '\r'));
    if !lexer.remainder().starts_with('`') {
        return Token::UnterminatedName;
    }
    lexer.bump(1);
    if lexer.slice().len() == 2 { Token::EmptyName } else { Token::QuotedName }
}

/// A number, after its first digit: as much as may belong to it, and the letters after it, so that
/// `2x` is one mistake.
fn number(lexer: &mut Lexer<'_, Token>) {
    let digit = |c: char| c.is_ascii_digit() || c == '_';
    let radix = lexer.slice() == "0" && lexer.remainder().starts_with(['x', 'X', 'o', 'O', 'b', 'B']);
    if !radix {
        bump_while(lexer, digit);
        if !lexer.slice().starts_with('.') && lexer.remainder().starts_with('.') {
            lexer.bump(1);
            bump_while(lexer, digit);
        }
        let rest = lexer.remainder();
        if rest.starts_with(['e', 'E']) && rest[1..].starts_with(['+', '-']) {
            lexer.bump(2);
        }
    }
    bump_while(lexer, |c| digit(c) || is_xid_continue(c));
}

/// A string, after its first quote.
fn string(lexer: &mut Lexer<'_, Token>) -> Token {
    let quote = lexer.slice().chars().last();
    let mut escaped = false;
    bump_while(lexer, |c| {
        let inside = !matches!(c, '\n' | '\r') && (escaped || Some(c) != quote);
        escaped = !escaped && c == '\\';
        inside
    });
    match lexer.remainder().chars().next() == quote {
        true => {
            lexer.bump(1);
            Token::String
        }
        false => Token::UnterminatedString,
    }
}

/// A string of bytes, after its first quote.
fn bytes(lexer: &mut Lexer<'_, Token>) -> Token {
    match string(lexer) {
        Token::String => Token::Bytes,
        unterminated => unterminated,
    }
}

/// Extends the token by the characters that belong to it.
fn bump_while(lexer: &mut Lexer<'_, Token>, mut belongs: impl FnMut(char) -> bool) {
    let rest = lexer.remainder();
    let length = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    lexer.bump(length);
}

impl Token {
    /// Whether statements end here.
    pub(super) fn ends_statement(self) -> bool {
        matches!(self, Token::Newline | Token::Semicolon | Token::End)
    }

    /// Whether this opens a bracket.
    pub(super) fn opens(self) -> bool {
        matches!(self, Token::LeftParen | Token::LeftBracket | Token::LeftBrace)
    }

    /// Whether this closes a bracket.
    pub(super) fn closes(self) -> bool {
        matches!(self, Token::RightParen | Token::RightBracket | Token::RightBrace)
    }

    /// Whether this is a word that can't be a name.
    pub(super) fn is_keyword(self) -> bool {
        KEYWORDS.iter().any(|(_, token)| *token == self)
    }

    /// Whether this is a name, bare or in backticks.
    pub(super) fn is_name(self) -> bool {
        matches!(self, Token::Name | Token::QuotedName)
    }
}
