//! From text to the untyped tree, and back.
//!
//! Parsing never fails: it gives a tree and what is wrong with the text. Nothing here recurses in
//! proportion to the text; only the parser recurses at all, once for each open bracket, under
//! [`Limits::depth`].

pub mod ast;
mod cursor;
mod error;
mod foreign;
mod lexer;
mod parser;
mod precedence;
mod print;
mod token;

pub use lexer::{is_identifier, is_keyword, tokens};
pub use print::print;
pub use token::Token;

use crate::diagnostic::Diagnostic;
use crate::source::Span;
use ast::{Ast, Definition};
use std::sync::Arc;

/// How large a text may be, since it may come from a stranger.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Characters of the text.
    pub characters: usize,
    /// Nodes of the tree.
    pub nodes: usize,
    /// Levels of nesting: brackets, chains of prefix operators, towers of `**`. Chains of operators
    /// and of conditionals are flat. Values above [`Limits::MAX_DEPTH`] mean that value.
    pub depth: usize,
}

impl Limits {
    /// The deepest nesting that the parser's stack is sure to hold.
    pub const MAX_DEPTH: usize = 512;
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { characters: 1 << 20, nodes: 100_000, depth: 256 }
    }
}

/// A text's tree and its mistakes.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The tree; it means something only where there are no diagnostics.
    pub ast: Ast,
    /// What is wrong with the text.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses a program.
pub fn parse(text: &str, limits: &Limits) -> Parsed {
    match too_long(text, limits) {
        Some(diagnostic) => {
            let ast = Ast { text: Arc::from(text), exprs: Vec::new(), spans: Vec::new(), statements: Vec::new() };
            Parsed { ast, diagnostics: vec![diagnostic] }
        }
        None => cursor::Parser::new(text, limits).parse(),
    }
}

/// Parses the definition of a function: `name(parameter, parameter = default) = body`. The limits on
/// nodes and depth hold for all its expressions together.
///
/// # Errors
/// All that is wrong with the text.
pub fn parse_definition(text: &str, limits: &Limits) -> Result<Definition, Vec<Diagnostic>> {
    match too_long(text, limits) {
        Some(diagnostic) => Err(vec![diagnostic]),
        None => cursor::Parser::new(text, limits).parse_definition(),
    }
}

/// What is said of a text that is not even looked at.
fn too_long(text: &str, limits: &Limits) -> Option<Diagnostic> {
    // Spans are 32 bits wide.
    let characters = limits.characters.min(u32::MAX as usize);
    if text.len() > characters
        && let Some((at, c)) = text.char_indices().nth(characters)
    {
        // A text of four-byte characters may pass `u32::MAX` bytes while within that many characters.
        let span =
            if at + c.len_utf8() <= u32::MAX as usize { Span::new(at, at + c.len_utf8()) } else { Span::new(0, 0) };
        return Some(error::too_many_characters(span, characters));
    }
    (text.len() > u32::MAX as usize).then(|| error::too_many_characters(Span::new(0, 0), characters))
}
