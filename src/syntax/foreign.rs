//! What people write in other languages: recognised to be refused with a helpful word, and read on
//! as what was probably meant, so that one habit is one mistake.

use super::ast::{BinaryOp, CompareOp, Expr, Identifier, LogicalOp, UnaryOp};
use super::cursor::{Node, Parser};
use super::error;
use super::lexer;
use super::precedence::Infix;
use super::token::Token;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// The modules whose functions and constants people write with a dot.
const MODULES: &[&str] = &[
    "np", "numpy", "math", "cmath", "sp", "scipy", "special", "stats", "ne", "numexpr", "nf", "numfuse", "torch", "jnp",
];

impl Parser<'_> {
    /// `x.sum()`, `np.sin(x)`, `x[0]`, `2(x)` after an operand.
    pub(super) fn foreign_postfix(&mut self, mut node: Node) -> Node {
        loop {
            node = match self.peek() {
                Token::Dot if self.at_attribute() => self.attribute(node),
                Token::Dot if self.peek_next().is_name() || self.peek_next().is_keyword() => {
                    self.foreign_attribute(node)
                }
                Token::LeftBracket => {
                    let whole = node.span.to(self.foreign_bracket());
                    self.report(error::subscript(whole));
                    self.push_error(whole)
                }
                Token::LeftParen => {
                    self.report(error::not_callable(node.span));
                    let whole = node.span.to(self.foreign_bracket());
                    self.push_error(whole)
                }
                _ => return node,
            };
        }
    }

    /// Names after dots, and the call of the last.
    fn foreign_attribute(&mut self, base: Node) -> Node {
        let mut object = base.span;
        let mut last = (Token::Name, base.span);
        while self.peek() == Token::Dot && (self.peek_next().is_name() || self.peek_next().is_keyword()) {
            self.bump();
            object = base.span.to(last.1);
            last = (self.peek(), self.bump());
        }
        let (token, span) = last;
        let module = match self.expr(base.id) {
            Expr::Name(name) => MODULES.contains(&&**name),
            _ => false,
        };
        let name = self.text(span);
        let whole = base.span.to(span);
        if self.peek() == Token::LeftParen {
            let object = self.text(object);
            self.report(if module { error::module_function(whole, name) } else { error::method(whole, object, name) });
            return self.call(Identifier { name: lexer::name(token, name), span: whole });
        }
        self.report(if module { error::module_constant(whole, name) } else { error::attribute(whole) });
        self.push_error(whole)
    }

    /// Moves past a bracket and all in it.
    fn foreign_bracket(&mut self) -> Span {
        let bracket = self.open();
        self.skip_bracket(bracket)
    }

    /// Anything that is no operand.
    pub(super) fn foreign_operand(&mut self) -> Node {
        let span = self.span();
        let text = self.text(span);
        match self.peek() {
            Token::Unknown | Token::At => {
                while matches!(self.peek(), Token::Unknown | Token::At) {
                    let span = self.span();
                    self.report_here(|parser| error::unknown_character(span, parser.text(span)));
                    self.bump();
                }
                // `$x` and `@x` are taken for `x`.
                if self.peek().is_name() {
                    return self.operand();
                }
                return self.push_error(span);
            }
            Token::UnterminatedString => self.report(error::unterminated_string(span, text)),
            Token::UnterminatedName => self.report(error::unterminated_name(span)),
            Token::EmptyName => self.report(error::empty_name(span)),
            Token::LeftBracket | Token::LeftBrace => {
                let list = self.peek() == Token::LeftBracket;
                let whole = span.to(self.foreign_bracket());
                self.report(if list { error::list(whole) } else { error::braces(whole) });
                return self.push_error(whole);
            }
            token if token.is_keyword() && self.peek_next().assigns() => {
                self.report(error::keyword_as_name(span, text));
            }
            Token::Lambda => {
                self.report(error::lambda(span));
                self.skip_operand();
                return self.push_error(span);
            }
            Token::If | Token::Else => {
                self.report_here(|_| error::misplaced_conditional(span, text));
                self.bump();
                self.skip_operand();
                return self.push_error(span);
            }
            Token::Let | Token::Keyword | Token::None | Token::For => {
                self.report_here(|_| error::keyword(span, text));
                self.skip_operand();
                return self.push_error(span);
            }
            _ => {
                self.report_here(Parser::expected_operand);
                return self.push_error(span);
            }
        }
        self.bump();
        self.push_error(span)
    }

    /// `!x`
    pub(super) fn foreign_prefix(&mut self) -> Option<UnaryOp> {
        if self.peek() != Token::Bang {
            return None;
        }
        self.report_here(|parser| error::foreign_operator(parser.span(), "!", "not"));
        Some(UnaryOp::Not)
    }

    /// Operators of other languages, and of Python on other types.
    pub(super) fn foreign_infix(&mut self) -> Option<Infix> {
        let span = self.span();
        let text = self.text(span);
        let (diagnostic, op) = match (self.peek(), self.peek_next()) {
            (Token::AndAnd, _) => (error::foreign_operator(span, text, "and"), Infix::Logical(LogicalOp::And)),
            (Token::OrOr, _) => (error::foreign_operator(span, text, "or"), Infix::Logical(LogicalOp::Or)),
            (Token::LessGreater, _) => (error::foreign_operator(span, text, "!="), Infix::Compare(CompareOp::Ne)),
            (Token::EqualEqualEqual, _) => (error::foreign_operator(span, text, "=="), Infix::Compare(CompareOp::Eq)),
            (Token::FatArrow, _) => (error::foreign_operator(span, text, ">="), Infix::Compare(CompareOp::Ge)),
            (Token::EqualLess, _) => (error::foreign_operator(span, text, "<="), Infix::Compare(CompareOp::Le)),
            (Token::Is, Token::Not) => {
                (error::foreign_operator(span.to(self.next_span()), "is not", "!="), Infix::Compare(CompareOp::Ne))
            }
            (Token::Is, _) => (error::foreign_operator(span, text, "=="), Infix::Compare(CompareOp::Eq)),
            (Token::In, _) => (error::membership(span, text), Infix::Compare(CompareOp::Eq)),
            (Token::Not, Token::In) => {
                (error::membership(span.to(self.next_span()), "not in"), Infix::Compare(CompareOp::Ne))
            }
            (Token::At, _) => (error::matrix_product(span), Infix::Binary(BinaryOp::Mul)),
            (Token::Unknown, _) => (error::unknown_character(span, text), lookalike(text)?),
            _ => return None,
        };
        self.report_here(|_| diagnostic);
        // The caller moves past the second word of two.
        if matches!((self.peek(), self.peek_next()), (Token::Is, Token::Not) | (Token::Not, Token::In)) {
            self.bump();
        }
        Some(op)
    }

    /// `*args`, `**kwargs`
    pub(super) fn foreign_argument(&mut self) {
        if matches!(self.peek(), Token::Star | Token::StarStar) {
            self.report(error::unpacking(self.span(), self.text(self.span())));
            self.bump();
        }
    }

    /// An assignment to what is no name.
    pub(super) fn foreign_target(&mut self, target: Node) -> Node {
        if !self.peek().assigns() {
            return target;
        }
        let operator = self.text(self.span());
        match (self.expr(target.id), self.peek()) {
            (Expr::Error, _) => {}
            (Expr::Name(_), Token::ColonAssign) => self.report(error::walrus(self.span())),
            (_, Token::AtAssign) => self.report(error::matrix_product(self.span())),
            _ => self.report_here(|parser| error::bad_target(target.span, parser.expr(target.id), operator)),
        }
        self.bump();
        let value = self.expression();
        self.foreign_chain(value);
        self.push_error(target.span.to(value.span))
    }

    /// A second assignment in one statement.
    pub(super) fn foreign_chain(&mut self, value: Node) -> Node {
        if !self.peek().assigns() {
            return value;
        }
        self.report_here(|parser| error::chained_assignment(parser.span()));
        self.skip_statement();
        self.push_error(value.span)
    }

    /// What follows `let`, or `let` and a name, and should not.
    pub(super) fn foreign_let(&mut self, start: Span) -> Node {
        let span = self.span();
        let text = self.text(span);
        let named = self.previous().is_some_and(|(token, _)| token.is_name());
        match self.peek() {
            token if token.assigns() && named => {
                self.report(error::let_update(span, text));
                self.bump();
                return self.expression();
            }
            token if token.assigns() => self.report(error::keyword_as_name(start, "let")),
            token if token.is_keyword() => self.report(error::keyword_as_name(span, text)),
            Token::LeftParen if named => self.report(error::let_function(span)),
            _ => self.report_here(|parser| match named {
                true => error::let_without_value(span, parser.found()),
                false => error::let_without_name(span, parser.found()),
            }),
        }
        self.skip_statement();
        self.push_error(start)
    }

    /// The token at the cursor can't follow an operand.
    pub(super) fn unexpected(&self) -> Diagnostic {
        let span = self.span();
        let text = self.text(span);
        let adjacent = self.previous().filter(|(_, before)| before.end == span.start);
        match self.peek() {
            Token::String | Token::UnterminatedString if adjacent.is_some_and(|(token, _)| token == Token::Name) => {
                error::string_prefix(adjacent.map_or(span, |(_, before)| before))
            }
            Token::UnterminatedString => error::unterminated_string(span, text),
            Token::UnterminatedName => error::unterminated_name(span),
            Token::EmptyName => error::empty_name(span),
            Token::Unknown => error::unknown_character(span, text),
            Token::Assign => error::equality(span),
            Token::ColonAssign => error::walrus(span),
            token if token.update().is_some() => error::update_in_expression(span, text),
            Token::Comma => error::tuple(span),
            Token::Question => error::question(span),
            Token::Colon | Token::ColonColon => error::colon(span, text),
            Token::For => error::comprehension(span),
            Token::Else => error::misplaced_conditional(span, text),
            token if token.closes() => error::never_opened(span, text),
            Token::Number | Token::String | Token::Bytes | Token::Name | Token::QuotedName | Token::LeftParen => {
                error::missing_operator(span, self.found())
            }
            _ => error::unexpected(span, self.found()),
        }
    }

    /// The token at the cursor is no `else`, and there was an `if`.
    pub(super) fn expected_else(&self) -> Diagnostic {
        match self.peek() {
            token if token.ends_statement() || token.closes() || matches!(token, Token::Comma | Token::If) => {
                error::missing_else(self.span())
            }
            Token::Assign => error::equality(self.span()),
            _ => self.unexpected(),
        }
    }

    /// The token at the cursor is no name of a function to be defined.
    pub(super) fn expected_definition(&self) -> Diagnostic {
        self.not_defined().unwrap_or_else(|| error::no_definition(self.span(), self.found()))
    }

    /// The token at the cursor is no name of a parameter.
    pub(super) fn expected_parameter(&self) -> Diagnostic {
        match self.peek() {
            Token::Star | Token::StarStar | Token::Slash => error::parameter_list(self.span(), self.text(self.span())),
            _ => self.not_defined().unwrap_or_else(|| error::no_parameter(self.span(), self.found())),
        }
    }

    /// The token at the cursor follows a parameter.
    pub(super) fn expected_comma(&self) -> Diagnostic {
        match self.peek() {
            Token::Name | Token::QuotedName | Token::Number => error::no_comma(self.span(), self.found()),
            _ => self.unexpected(),
        }
    }

    /// A name at the cursor that can't be defined.
    fn not_defined(&self) -> Option<Diagnostic> {
        let text = self.text(self.span());
        match self.peek() {
            Token::QuotedName => Some(error::quoted_definition(self.span())),
            token if token.is_keyword() || token == Token::Name => Some(error::keyword_defined(self.span(), text)),
            _ => None,
        }
    }

    /// The token at the cursor is no parenthesis after the name of a function to be defined.
    pub(super) fn expected_parameters(&self) -> Diagnostic {
        error::definition_without_parameters(self.span(), self.found())
    }

    /// The token at the cursor is no `=` before the body of a definition.
    pub(super) fn expected_body(&self) -> Diagnostic {
        error::definition_without_body(self.span(), self.found())
    }

    /// The token at the cursor follows a definition.
    pub(super) fn after_definition(&self) -> Diagnostic {
        match self.peek() {
            Token::Semicolon => error::after_definition(self.span()),
            // What stands in another line.
            _ if self.previous().is_some_and(|(token, _)| token == Token::Newline) => {
                error::after_definition(self.span())
            }
            _ => self.unexpected(),
        }
    }

    /// The token at the cursor starts no operand.
    fn expected_operand(&self) -> Diagnostic {
        match self.peek().closes() && self.is_unpaired() {
            true => error::never_opened(self.span(), self.text(self.span())),
            false => error::expected_value(self.span(), self.found()),
        }
    }

    /// The token at the cursor in words.
    fn found(&self) -> String {
        match self.peek() {
            Token::End => "the end of the text".to_string(),
            Token::Newline => "the end of the line".to_string(),
            _ => error::quoted(self.text(self.span())),
        }
    }
}

/// The operator that a character beyond ASCII looks like.
fn lookalike(character: &str) -> Option<Infix> {
    Some(match error::ascii_for(character)? {
        "*" => Infix::Binary(BinaryOp::Mul),
        "/" => Infix::Binary(BinaryOp::Div),
        "-" => Infix::Binary(BinaryOp::Sub),
        "<=" => Infix::Compare(CompareOp::Le),
        ">=" => Infix::Compare(CompareOp::Ge),
        "!=" => Infix::Compare(CompareOp::Ne),
        _ => return None,
    })
}
