//! From text to tokens, and from the text of a name or literal to its value.

use super::ast::{Expr, Name};
use super::error;
use super::token::{Token, keyword};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use logos::Logos;
use std::sync::Arc;
use unicode_ident::{is_xid_continue, is_xid_start};
use unicode_normalization::{UnicodeNormalization, is_nfkc};

/// The tokens of a text with their places, [`Token::End`] last. Newlines inside brackets are left
/// out; a `;` ends all brackets that are open, so that a forgotten `)` spoils one statement only.
pub fn tokens(text: &str) -> Vec<(Token, Span)> {
    let mut tokens = Vec::new();
    let mut brackets = 0usize;
    for (token, range) in Token::lexer(text).spanned() {
        let token = token.unwrap_or(Token::Unknown);
        match token {
            _ if token.opens() => brackets += 1,
            _ if token.closes() => brackets = brackets.saturating_sub(1),
            Token::Semicolon => brackets = 0,
            Token::Newline if brackets > 0 => continue,
            _ => {}
        }
        tokens.push((token, Span::new(range.start, range.end)));
    }
    let end = tokens.last().map_or(0, |(_, span)| span.end as usize);
    tokens.push((Token::End, Span::new(end, end)));
    tokens
}

/// Whether a name can be written without backticks and means itself.
pub fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c == '_' || is_xid_start(c))
        && characters.all(is_xid_continue)
        && is_nfkc(name)
        && keyword(name).is_none()
}

/// Whether a name is written in backticks because it is a keyword of Python or the language.
pub fn is_keyword(name: &str) -> bool {
    keyword(name).is_some()
}

/// The name that a name token stands for.
pub(super) fn name(token: Token, text: &str) -> Name {
    match token {
        Token::QuotedName => Arc::from(&text[1..text.len() - 1]),
        _ if is_nfkc(text) => Arc::from(text),
        _ => text.nfkc().collect::<String>().into(),
    }
}

/// The value of a number token.
pub(super) fn number(text: &str, span: Span) -> Result<Expr, Diagnostic> {
    let radix = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => return decimal(text, span),
    };
    // Python allows one underscore after the prefix, too.
    let digits = text[2..].strip_prefix('_').unwrap_or(&text[2..]);
    if digits.is_empty() {
        return Err(error::number_without_digits(span, text, radix));
    }
    if let Some(bad) = digits.chars().find(|c| *c != '_' && !c.is_digit(radix)) {
        return Err(error::bad_digit(span, text, bad, radix));
    }
    check_underscores(text, digits, span)?;
    Ok(Expr::Int(integer(digits, radix)))
}

/// The value of a number without a prefix.
fn decimal(text: &str, span: Span) -> Result<Expr, Diagnostic> {
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => {
            let (fraction, rest) = digits(rest);
            (Some(fraction), rest)
        }
        None => (None, rest),
    };
    let (exponent, rest) = match rest.strip_prefix(['e', 'E']) {
        Some(rest) => {
            let (exponent, rest) = digits(rest.strip_prefix(['+', '-']).unwrap_or(rest));
            (Some(exponent), rest)
        }
        None => (None, rest),
    };
    let (imaginary, rest) = match rest.strip_prefix(['j', 'J']) {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    if exponent == Some("") {
        // `2e` without digits may be a product with a name, but more often is half an exponent.
        return Err(error::exponent_without_digits(span, text));
    }
    if !rest.is_empty() {
        let number = &text[..text.len() - rest.len() - usize::from(imaginary)];
        return Err(error::number_with_suffix(span, text, number, &text[number.len()..]));
    }
    for digits in [Some(whole), fraction, exponent].into_iter().flatten() {
        check_underscores(text, digits, span)?;
    }
    if fraction.is_none() && exponent.is_none() && !imaginary {
        if whole.starts_with('0') && whole.contains(|c: char| !matches!(c, '0' | '_')) {
            return Err(error::leading_zero(span, text));
        }
        return Ok(Expr::Int(integer(whole, 10)));
    }
    let digits: String = text.chars().filter(|c| !matches!(c, '_' | 'j' | 'J')).collect();
    match digits.parse::<f64>() {
        Ok(value) if imaginary => Ok(Expr::Imaginary(value)),
        Ok(value) => Ok(Expr::Float(value)),
        Err(_) => Err(error::not_a_number(span, text)),
    }
}

/// Splits off the leading digits and underscores.
fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len()))
}

/// Underscores stand between digits, one at a time.
fn check_underscores(text: &str, digits: &str, span: Span) -> Result<(), Diagnostic> {
    match digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        true => Err(error::misplaced_underscore(span, text)),
        false => Ok(()),
    }
}

/// The value of valid digits, saturating.
fn integer(digits: &str, radix: u32) -> i128 {
    let digits = digits.chars().filter_map(|c| c.to_digit(radix));
    digits.fold(0i128, |value, digit| value.saturating_mul(radix.into()).saturating_add(digit.into()))
}

/// The value of a string token.
pub(super) fn string(text: &str, span: Span) -> Result<Expr, Diagnostic> {
    let is_bytes = !text.starts_with(['"', '\'']);
    let before = 1 + usize::from(is_bytes);
    let body = &text[before..text.len() - 1];
    let place = |at: usize, length: usize| {
        let start = span.start as usize + before + at;
        Span::new(start, start + length)
    };
    if let Some((at, c)) = body.char_indices().find(|(_, c)| is_bytes && !c.is_ascii()) {
        return Err(error::not_a_byte(place(at, c.len_utf8()), c));
    }
    let mut value = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        rest = &rest[at..];
        let (c, length) = match escape(rest) {
            // Only characters have numbers of more than two digits.
            Ok((_, length)) if is_bytes && length > "\\x00".len() => Err(length),
            other => other,
        }
        .map_err(|length| error::bad_escape(place(body.len() - rest.len(), length), &rest[..length]))?;
        value.push(c);
        rest = &rest[length..];
    }
    value.push_str(rest);
    // A byte is the character of its number.
    Ok(if is_bytes { Expr::Bytes(value.chars().map(|c| c as u8).collect()) } else { Expr::Str(value.into()) })
}

/// The character that an escape at the start of `text` stands for and the escape's length; or the
/// length of what is no escape.
fn escape(text: &str) -> Result<(char, usize), usize> {
    let Some(kind) = text[1..].chars().next() else { return Err(text.len()) };
    let digits = match kind {
        '\\' | '\'' | '"' => return Ok((kind, 2)),
        'n' => return Ok(('\n', 2)),
        't' => return Ok(('\t', 2)),
        'r' => return Ok(('\r', 2)),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => return Err(1 + kind.len_utf8()),
    };
    let body = &text[2..];
    let present = body.bytes().take(digits).take_while(u8::is_ascii_hexdigit).count();
    let length = 2 + present;
    if present < digits {
        return Err(length);
    }
    let code = u32::from_str_radix(&body[..digits], 16).map_err(|_| length)?;
    char::from_u32(code).map(|c| (c, length)).ok_or(length)
}
