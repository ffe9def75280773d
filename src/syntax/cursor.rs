//! What the parser's functions share: the place in the tokens, the tree so far, the mistakes so
//! far, the limits, and how to go on after a mistake.

use super::ast::{Ast, Definition, Expr, ExprId, Identifier, Statement, StatementKind};
use super::error;
use super::lexer;
use super::token::Token;
use super::{Limits, Parsed};
use crate::diagnostic::{Category, Diagnostic};
use crate::source::Span;
use std::sync::Arc;

/// After so many mistakes the rest of the text is not looked at.
const MAX_DIAGNOSTICS: usize = 100;
/// The partner of a bracket that has none.
const UNPAIRED: u32 = u32::MAX;

/// An expression and its place, parentheses around it included.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub id: ExprId,
    pub span: Span,
}

/// A parser in the midst of a text.
pub(super) struct Parser<'t> {
    text: &'t str,
    limits: Limits,
    tokens: Vec<(Token, Span)>,
    /// For each token that is a bracket, the index of its partner or [`UNPAIRED`].
    partners: Vec<u32>,
    position: usize,
    depth: usize,
    exprs: Vec<Expr>,
    spans: Vec<Span>,
    /// How many nodes are in trees that are complete.
    taken: usize,
    /// The text as trees have it.
    source: Arc<str>,
    diagnostics: Vec<Diagnostic>,
    /// The position of the last mistake: nothing more is said about what stands there.
    reported_at: Option<usize>,
    /// A bracket of this statement is never closed, so that its end comes as no surprise.
    unclosed: bool,
    /// A limit was reached: nothing more is read or said.
    stopped: bool,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str, limits: &Limits) -> Parser<'t> {
        let tokens = lexer::tokens(text);
        let partners = pair_brackets(&tokens);
        let limits = Limits { depth: limits.depth.min(Limits::MAX_DEPTH), ..limits.clone() };
        Parser {
            text,
            limits,
            tokens,
            partners,
            position: 0,
            depth: 0,
            exprs: Vec::new(),
            spans: Vec::new(),
            taken: 0,
            source: Arc::from(text),
            diagnostics: Vec::new(),
            reported_at: None,
            unclosed: false,
            stopped: false,
        }
    }

    pub(super) fn parse(mut self) -> Parsed {
        let statements: Vec<Statement> = self.program();
        let ast = Ast { text: self.source, exprs: self.exprs, spans: self.spans, statements };
        Parsed { ast, diagnostics: self.diagnostics }
    }

    pub(super) fn parse_definition(mut self) -> Result<Definition, Vec<Diagnostic>> {
        let definition = self.definition();
        debug_assert!(definition.is_some() || !self.diagnostics.is_empty(), "nothing is said of what is no definition");
        definition.filter(|_| self.diagnostics.is_empty()).ok_or(self.diagnostics)
    }

    // The tokens.

    /// The token at the cursor.
    pub(super) fn peek(&self) -> Token {
        self.tokens[self.position].0
    }

    /// The token after it.
    pub(super) fn peek_next(&self) -> Token {
        self.tokens[(self.position + 1).min(self.tokens.len() - 1)].0
    }

    /// Whether there is an attribute at the cursor, and no method.
    pub(super) fn at_attribute(&self) -> bool {
        let is_called = self.tokens.get(self.position + 2).is_some_and(|(token, _)| *token == Token::LeftParen);
        self.peek() == Token::Dot && matches!(self.text(self.next_span()), "real" | "imag") && !is_called
    }

    /// The token before it.
    pub(super) fn previous(&self) -> Option<(Token, Span)> {
        self.position.checked_sub(1).map(|position| self.tokens[position])
    }

    /// The place of the token at the cursor.
    pub(super) fn span(&self) -> Span {
        self.tokens[self.position].1
    }

    /// The place of the token after it.
    pub(super) fn next_span(&self) -> Span {
        self.tokens[(self.position + 1).min(self.tokens.len() - 1)].1
    }

    /// The text of a place.
    pub(super) fn text(&self, span: Span) -> &'t str {
        &self.text[span.range()]
    }

    /// Where the cursor is.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// Moves past the token at the cursor and gives its place; [`Token::End`] stays.
    pub(super) fn bump(&mut self) -> Span {
        let span = self.span();
        self.position = (self.position + 1).min(self.tokens.len() - 1);
        span
    }

    /// Moves past the token at the cursor if it is this one.
    pub(super) fn eat(&mut self, token: Token) -> bool {
        let found = self.peek() == token;
        if found {
            self.bump();
        }
        found
    }

    /// Moves past a name that stands without backticks, if there is one.
    pub(super) fn eat_identifier(&mut self) -> Option<Identifier> {
        let span = self.span();
        let name = (self.peek() == Token::Name).then(|| lexer::name(Token::Name, self.text(span)))?;
        // Its normal form may be a keyword.
        lexer::is_identifier(&name).then(|| Identifier { name, span: self.bump() })
    }

    // The tree.

    /// Adds an expression whose parentheses, if any, are yet to come.
    pub(super) fn push(&mut self, expr: Expr, span: Span) -> Node {
        if self.taken + self.exprs.len() >= self.limits.nodes.max(1) {
            self.stop(|parser| error::too_many_nodes(span, parser.limits.nodes));
            // Nothing more is added once stopped: the last expression can stand for all others.
            if let Some(last) = self.exprs.len().checked_sub(1) {
                return Node { id: ExprId(last as u32), span };
            }
        }
        self.exprs.push(expr);
        self.spans.push(span);
        Node { id: ExprId(self.exprs.len() as u32 - 1), span }
    }

    /// Adds what stands for text that can't be read.
    pub(super) fn push_error(&mut self, span: Span) -> Node {
        self.push(Expr::Error, span)
    }

    /// Takes the tree of an expression that is complete, as a program of its own.
    pub(super) fn take(&mut self, value: Node) -> Ast {
        let statement = Statement { kind: StatementKind::Result, value: value.id, span: value.span };
        self.taken += self.exprs.len();
        Ast {
            text: Arc::clone(&self.source),
            exprs: std::mem::take(&mut self.exprs),
            spans: std::mem::take(&mut self.spans),
            statements: vec![statement],
        }
    }

    /// An expression of the tree.
    pub(super) fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }

    // Depth.

    /// Goes one level down; each call is matched by one of [`Parser::leave`].
    pub(super) fn enter(&mut self) {
        self.depth += 1;
        if self.depth > self.limits.depth {
            let span = self.span();
            self.stop(|parser| error::too_deep(span, parser.limits.depth));
        }
    }

    /// Comes up again.
    pub(super) fn leave(&mut self) {
        self.depth -= 1;
    }

    // Mistakes.

    /// Notes a mistake.
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        if self.stopped {
            return;
        }
        debug_assert_eq!(diagnostic.category, Category::Syntax);
        debug_assert!(self.text.get(diagnostic.span.range()).is_some(), "a span off the character boundaries");
        self.reported_at = Some(self.position);
        self.diagnostics.push(diagnostic);
        if self.diagnostics.len() >= MAX_DIAGNOSTICS {
            self.halt();
        }
    }

    /// Notes that the token at the cursor was not expected, unless something was said of it already.
    pub(super) fn report_here(&mut self, diagnostic: impl FnOnce(&Self) -> Diagnostic) {
        let told = self.reported_at == Some(self.position) || (self.unclosed && self.peek().ends_statement());
        if !told && !self.stopped {
            let diagnostic = diagnostic(self);
            self.report(diagnostic);
        }
    }

    /// Notes that a limit is reached, and reads no further.
    fn stop(&mut self, diagnostic: impl FnOnce(&Self) -> Diagnostic) {
        if !self.stopped {
            let diagnostic = diagnostic(self);
            self.diagnostics.push(diagnostic);
            self.halt();
        }
    }

    /// Moves to the end of the text, in silence.
    fn halt(&mut self) {
        self.stopped = true;
        self.position = self.tokens.len() - 1;
    }

    /// How many mistakes there are so far.
    pub(super) fn errors(&self) -> usize {
        self.diagnostics.len()
    }

    // Going on after a mistake.

    /// Starts a statement.
    pub(super) fn begin_statement(&mut self) {
        self.unclosed = false;
        self.reported_at = None;
    }

    /// Whether a parenthesis at the cursor has a comma, or nothing, between it and its partner.
    pub(super) fn at_tuple(&self) -> bool {
        let partner = self.partners[self.position];
        if self.peek() != Token::LeftParen || partner == UNPAIRED {
            return false;
        }
        let mut at = self.position + 1;
        while at < partner as usize && self.tokens[at].0 != Token::Comma {
            // Over what is in brackets of its own.
            let inner = self.partners[at];
            at = if inner != UNPAIRED && inner as usize > at { inner as usize } else { at } + 1;
        }
        at < partner as usize || partner as usize == self.position + 1
    }

    /// Whether the token at the cursor is no bracket or one without a partner.
    pub(super) fn is_unpaired(&self) -> bool {
        self.partners[self.position] == UNPAIRED
    }

    /// Moves past an opening bracket, and says so if nothing closes it.
    pub(super) fn open(&mut self) -> Bracket {
        let bracket = Bracket { span: self.span(), token: self.peek(), partner: self.partners[self.position] };
        if bracket.partner == UNPAIRED && !self.unclosed {
            let diagnostic = error::never_closed(bracket.span, self.text(bracket.span));
            self.report(diagnostic);
            self.unclosed = true;
        }
        self.bump();
        bracket
    }

    /// Moves past the bracket that closes, over all that should not stand before it.
    pub(super) fn close(&mut self, bracket: Bracket) -> Span {
        // Where nothing closes it, the reader was told so, and what follows is no surprise.
        if bracket.partner != UNPAIRED && self.position != bracket.partner as usize {
            self.report_here(Parser::unexpected);
        }
        self.skip_bracket(bracket)
    }

    /// Moves past all that a bracket still holds and what closes it.
    pub(super) fn skip_bracket(&mut self, bracket: Bracket) -> Span {
        if self.stopped {
            return self.span();
        }
        if bracket.partner == UNPAIRED {
            while !self.peek().closes() && !self.peek().ends_statement() {
                self.skip_token();
            }
            self.reported_at = Some(self.position);
            return self.previous().map_or(bracket.span, |(_, span)| span);
        }
        let partner = bracket.partner as usize;
        debug_assert!(self.position <= partner, "a bracket's end was passed unnoticed");
        self.position = partner.max(self.position);
        if shape(self.peek()) != shape(bracket.token) {
            let (opening, closing) = (self.text(bracket.span), self.text(self.span()));
            self.report(error::wrong_bracket(self.span(), opening, closing));
        }
        self.bump()
    }

    /// Moves to the next comma, closing bracket or end of the statement, over whole brackets.
    pub(super) fn skip_operand(&mut self) {
        while !(self.peek() == Token::Comma || self.peek().closes() || self.peek().ends_statement()) {
            self.skip_token();
        }
        self.reported_at = Some(self.position);
    }

    /// Moves to the end of the statement.
    pub(super) fn skip_statement(&mut self) {
        while !self.peek().ends_statement() {
            self.skip_token();
        }
        self.reported_at = Some(self.position);
    }

    /// Moves past a token, or past a bracket and what it holds.
    fn skip_token(&mut self) {
        if self.peek().opens() && self.partners[self.position] != UNPAIRED {
            self.position = self.partners[self.position] as usize;
        }
        self.bump();
    }
}

/// A bracket that was opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bracket {
    /// The opening bracket.
    pub span: Span,
    token: Token,
    partner: u32,
}

/// Which bracket closes which. One that closes takes the last open one of its shape, else the last;
/// those in between, and all that are open at a `;`, stay unpaired.
fn pair_brackets(tokens: &[(Token, Span)]) -> Vec<u32> {
    let mut partners = vec![UNPAIRED; tokens.len()];
    let mut open: Vec<(usize, Token)> = Vec::new();
    // How many of each shape are open, so that looking for one is never in vain.
    let mut counts = [0usize; 3];
    for (index, &(token, _)) in tokens.iter().enumerate() {
        if token.opens() {
            counts[shape(token)] += 1;
            open.push((index, token));
        } else if token.closes() {
            let any = counts[shape(token)] == 0;
            while let Some((opening, opener)) = open.pop() {
                counts[shape(opener)] -= 1;
                if any || shape(opener) == shape(token) {
                    partners[opening] = index as u32;
                    partners[index] = opening as u32;
                    break;
                }
            }
        } else if token == Token::Semicolon {
            open.clear();
            counts = [0; 3];
        }
    }
    partners
}

/// Round, square or curly, as an index.
fn shape(bracket: Token) -> usize {
    match bracket {
        Token::LeftParen | Token::RightParen => 0,
        Token::LeftBracket | Token::RightBracket => 1,
        _ => 2,
    }
}

/// Watches over a loop of the parser: each turn must move the cursor, or it would never end.
#[derive(Default)]
pub(super) struct Progress(Option<usize>);

impl Progress {
    /// In debug builds, panics if the cursor is where it was at the last call.
    pub(super) fn assert(&mut self, parser: &Parser<'_>, production: &str) {
        if cfg!(debug_assertions) && !parser.stopped {
            let position = parser.position();
            assert_ne!(self.0, Some(position), "the parser's `{production}` makes no progress at {}", parser.span());
            self.0 = Some(position);
        }
    }
}
