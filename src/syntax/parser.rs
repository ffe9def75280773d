//! The grammar: one function for each production of `grammar/numfuse.ebnf`, under its name.
//!
//! Operators are read with a stack of those whose right operand is not complete yet, so that
//! neither long nor high chains recurse.

use super::ast::{
    Argument, BinaryOp, CompareOp, Definition, Expr, ExprId, Identifier, LogicalOp, Parameter, Statement,
    StatementKind, UnaryOp,
};
use super::cursor::{Node, Parser, Progress};
use super::error;
use super::lexer;
use super::precedence::{Associativity, Infix, Precedence};
use super::token::Token;
use crate::source::Span;
use std::collections::HashSet;

/// An operator whose right operand is being read, with what stands before it.
enum Pending {
    Prefix(Span, UnaryOp),
    Binary(Node, BinaryOp),
    Logical(Node, LogicalOp),
    /// A chain of comparisons: the first operand, those that are complete, and the last operator.
    Compare(Node, Vec<(CompareOp, ExprId)>, CompareOp),
}

impl Pending {
    fn precedence(&self) -> Precedence {
        match self {
            Pending::Prefix(_, op) => op.precedence(),
            Pending::Binary(_, op) => op.precedence(),
            Pending::Logical(_, op) => op.precedence(),
            Pending::Compare(..) => Precedence::Comparison,
        }
    }

    /// Whether this takes the operand that stands before an operator of the given precedence.
    fn binds_before(&self, next: Precedence) -> bool {
        let own = self.precedence();
        own > next || (own == next && own.associativity() == Associativity::Left)
    }

    /// Whether this can pile up without end: a prefix, or `**`.
    fn nests(&self) -> bool {
        matches!(self, Pending::Prefix(..)) || self.precedence() == Precedence::Power
    }

    /// Gives the operator its right operand.
    fn apply(self, parser: &mut Parser<'_>, right: Node) -> Node {
        if self.nests() {
            parser.leave();
        }
        let (start, expr) = match self {
            Pending::Prefix(start, op) => (start, Expr::Unary(op, right.id)),
            Pending::Binary(left, op) => (left.span, Expr::Binary(op, left.id, right.id)),
            Pending::Logical(left, op) => (left.span, Expr::Logical(op, left.id, right.id)),
            Pending::Compare(first, mut chain, op) => {
                chain.push((op, right.id));
                (first.span, Expr::Compare(first.id, chain))
            }
        };
        parser.push(expr, start.to(right.span))
    }
}

impl Parser<'_> {
    pub(super) fn program(&mut self) -> Vec<Statement> {
        let mut statements: Vec<Statement> = Vec::new();
        // The last statement, where its value is used only if no other follows.
        let mut unused: Option<Span> = None;
        let mut progress = Progress::default();
        loop {
            progress.assert(self, "program");
            while matches!(self.peek(), Token::Newline | Token::Semicolon) {
                self.bump();
            }
            if self.peek() == Token::End {
                break;
            }
            if let Some(span) = unused.take() {
                self.report(error::unused_value(span));
            }
            let errors = self.errors();
            self.begin_statement();
            let statement = self.statement();
            if !self.peek().ends_statement() {
                self.report_here(Parser::unexpected);
                self.skip_statement();
            }
            if statement.kind == StatementKind::Result && self.errors() == errors {
                unused = Some(statement.span);
            }
            statements.push(statement);
        }
        if statements.is_empty() {
            self.report(error::empty(self.span()));
        }
        statements
    }

    fn statement(&mut self) -> Statement {
        match (self.peek(), self.peek_next()) {
            (Token::Let, _) => self.let_statement(),
            (token, next) if token.is_name() && (next == Token::Assign || next.update().is_some()) => self.assignment(),
            _ => {
                let value = self.expression();
                let value = self.foreign_target(value);
                Statement { kind: StatementKind::Result, value: value.id, span: value.span }
            }
        }
    }

    fn let_statement(&mut self) -> Statement {
        let start = self.bump();
        if !self.peek().is_name() {
            let value = self.foreign_let(start);
            return Statement { kind: StatementKind::Result, value: value.id, span: value.span };
        }
        let name = self.name();
        let value = match self.eat(Token::Assign) {
            true => self.expression(),
            false => self.foreign_let(start),
        };
        let value = self.foreign_chain(value);
        Statement { kind: StatementKind::Let(name), value: value.id, span: start.to(value.span) }
    }

    fn assignment(&mut self) -> Statement {
        let name = self.name();
        let span = name.span;
        let kind = match self.peek().update() {
            Some(op) => StatementKind::Update(name, op),
            None => StatementKind::Assign(name),
        };
        self.bump();
        let value = self.expression();
        let value = self.foreign_chain(value);
        Statement { kind, value: value.id, span: span.to(value.span) }
    }

    /// A name of either form.
    fn name(&mut self) -> Identifier {
        let token = self.peek();
        let span = self.bump();
        Identifier { name: lexer::name(token, self.text(span)), span }
    }

    /// Conditionals nest to the right; their arms are gathered, then put together from the last.
    pub(super) fn expression(&mut self) -> Node {
        let mut arms = Vec::new();
        let mut value = self.operation();
        let mut progress = Progress::default();
        while self.peek() == Token::If {
            progress.assert(self, "expression");
            self.bump();
            let condition = self.operation();
            if !self.eat(Token::Else) {
                self.report_here(Parser::expected_else);
                self.skip_operand();
                value = self.push_error(value.span.to(condition.span));
                break;
            }
            arms.push((value, condition));
            value = self.operation();
        }
        for (then, condition) in arms.into_iter().rev() {
            let expr = Expr::Conditional { then: then.id, condition: condition.id, otherwise: value.id };
            value = self.push(expr, then.span.to(value.span));
        }
        value
    }

    fn operation(&mut self) -> Node {
        let mut pending: Vec<Pending> = Vec::new();
        let mut progress = Progress::default();
        loop {
            progress.assert(self, "operation");
            while let Some(op) = self.prefix_operator() {
                if self.peek() == Token::Not && pending.last().is_some_and(|p| p.precedence() > Precedence::Not) {
                    self.report(error::not_after_operator(self.span()));
                }
                self.enter();
                pending.push(Pending::Prefix(self.bump(), op));
            }
            let mut value = self.operand();
            let Some(next) = self.infix_operator() else {
                while let Some(before) = pending.pop() {
                    value = before.apply(self, value);
                }
                return value;
            };
            while let Some(before) = pending.pop_if(|before| before.binds_before(next.precedence())) {
                value = before.apply(self, value);
            }
            self.bump();
            let next = match next {
                Infix::Binary(op) => Pending::Binary(value, op),
                Infix::Logical(op) => Pending::Logical(value, op),
                Infix::Compare(op) => match pending.pop_if(|before| matches!(before, Pending::Compare(..))) {
                    Some(Pending::Compare(first, mut chain, before)) => {
                        chain.push((before, value.id));
                        Pending::Compare(first, chain, op)
                    }
                    _ => Pending::Compare(value, Vec::new(), op),
                },
            };
            if next.nests() {
                self.enter();
            }
            pending.push(next);
        }
    }

    pub(super) fn operand(&mut self) -> Node {
        let token = self.peek();
        let mut node = match token {
            Token::LeftParen => self.parenthesized(),
            Token::Number | Token::String | Token::Bytes | Token::True | Token::False => self.literal(),
            _ if token.is_name() => {
                let name = self.name();
                match self.peek() {
                    Token::LeftParen => self.call(name),
                    _ => self.push(Expr::Name(name.name), name.span),
                }
            }
            _ => return self.foreign_operand(),
        };
        while self.at_attribute() {
            node = self.attribute(node);
        }
        self.foreign_postfix(node)
    }

    /// A part of a complex number, as the function of that name gives it.
    pub(super) fn attribute(&mut self, base: Node) -> Node {
        self.bump();
        let name = self.name();
        let span = base.span.to(name.span);
        self.push(Expr::Call(name, vec![Argument { keyword: None, value: base.id }]), span)
    }

    fn literal(&mut self) -> Node {
        let token = self.peek();
        let span = self.span();
        let text = self.text(span);
        let value = match token {
            Token::True => Ok(Expr::Bool(true)),
            Token::False => Ok(Expr::Bool(false)),
            Token::String | Token::Bytes => lexer::string(text, span),
            _ => lexer::number(text, span),
        };
        self.bump();
        let expr = value.unwrap_or_else(|diagnostic| {
            // What follows is often the rest of the mistake, as in `1if c else 2`.
            self.report(diagnostic);
            Expr::Error
        });
        self.push(expr, span)
    }

    fn parenthesized(&mut self) -> Node {
        if self.peek_next() == Token::RightParen {
            let start = self.bump();
            let span = start.to(self.bump());
            self.report(error::empty_parentheses(span));
            return self.push_error(span);
        }
        self.enter();
        let bracket = self.open();
        let inner = self.expression();
        let end = self.close(bracket);
        self.leave();
        Node { id: inner.id, span: bracket.span.to(end) }
    }

    /// The parentheses of a call and the call itself.
    pub(super) fn call(&mut self, function: Identifier) -> Node {
        self.enter();
        let bracket = self.open();
        let arguments = self.arguments();
        let end = self.close(bracket);
        self.leave();
        let span = function.span.to(end);
        self.push(Expr::Call(function, arguments), span)
    }

    fn arguments(&mut self) -> Vec<Argument> {
        let mut arguments: Vec<Argument> = Vec::new();
        let mut keywords = HashSet::new();
        let mut progress = Progress::default();
        while !self.peek().closes() && !self.peek().ends_statement() {
            progress.assert(self, "arguments");
            let start = self.span();
            let argument = self.argument();
            match &argument.keyword {
                Some(keyword) if !keywords.insert(keyword.name.clone()) => {
                    self.report(error::repeated_keyword(keyword.span, &keyword.name));
                }
                None if !keywords.is_empty() => {
                    let end = self.previous().map_or(start, |(_, span)| span);
                    self.report(error::positional_after_keyword(start.to(end)));
                }
                _ => {}
            }
            arguments.push(argument);
            if !self.eat(Token::Comma) {
                break;
            }
        }
        arguments
    }

    fn argument(&mut self) -> Argument {
        // Before `=` a keyword can be nothing but a parameter's name: R has a parameter `lambda`.
        let is_named = self.peek().is_name() || self.peek().is_keyword();
        if is_named && self.peek_next() == Token::Assign {
            let name = self.name();
            self.bump();
            return Argument { keyword: Some(name), value: self.option().id };
        }
        self.foreign_argument();
        Argument { keyword: None, value: self.expression().id }
    }

    fn option(&mut self) -> Node {
        if self.peek() == Token::None {
            let span = self.bump();
            return self.push(Expr::None, span);
        }
        if self.at_tuple() { self.tuple() } else { self.expression() }
    }

    fn tuple(&mut self) -> Node {
        self.enter();
        let bracket = self.open();
        let mut items = Vec::new();
        let mut progress = Progress::default();
        while !self.peek().closes() && !self.peek().ends_statement() {
            progress.assert(self, "tuple");
            items.push(self.expression().id);
            if !self.eat(Token::Comma) {
                break;
            }
        }
        let end = self.close(bracket);
        self.leave();
        self.push(Expr::Tuple(items), bracket.span.to(end))
    }

    /// A definition; none where something was reported before its body.
    pub(super) fn definition(&mut self) -> Option<Definition> {
        while self.eat(Token::Newline) {}
        let Some(name) = self.eat_identifier() else {
            self.report(self.expected_definition());
            return None;
        };
        if self.peek() != Token::LeftParen {
            self.report(self.expected_parameters());
            return None;
        }
        self.enter();
        let bracket = self.open();
        let parameters = self.parameters();
        self.close(bracket);
        self.leave();
        if !self.eat(Token::Assign) {
            self.report_here(Parser::expected_body);
            return None;
        }
        let value = self.expression();
        let body = self.take(value);
        while self.eat(Token::Newline) {}
        if self.peek() != Token::End {
            self.report_here(Parser::after_definition);
        }
        Some(Definition { name, parameters, body })
    }

    fn parameters(&mut self) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut names = HashSet::new();
        let mut progress = Progress::default();
        while !self.peek().closes() && !self.peek().ends_statement() {
            progress.assert(self, "parameters");
            let Some(parameter) = self.parameter() else {
                self.skip_operand();
                break;
            };
            let Identifier { name, span } = &parameter.name;
            if !names.insert(name.clone()) {
                self.report(error::repeated_parameter(*span, name));
            }
            if parameter.default.is_none() && parameters.last().is_some_and(|before| before.default.is_some()) {
                self.report(error::required_after_default(*span, name));
            }
            if parameters.len() == error::MOST_PARAMETERS {
                self.report(error::too_many_parameters(*span));
                break;
            }
            parameters.push(parameter);
            if !self.eat(Token::Comma) {
                if !self.peek().closes() {
                    self.report_here(Parser::expected_comma);
                }
                break;
            }
        }
        parameters
    }

    fn parameter(&mut self) -> Option<Parameter> {
        let Some(name) = self.eat_identifier() else {
            self.report_here(Parser::expected_parameter);
            return None;
        };
        let default = self.eat(Token::Assign).then(|| {
            let value = self.expression();
            self.take(value)
        });
        Some(Parameter { name, default })
    }

    fn prefix_operator(&mut self) -> Option<UnaryOp> {
        self.peek().prefix().or_else(|| self.foreign_prefix())
    }

    fn infix_operator(&mut self) -> Option<Infix> {
        self.peek().infix().or_else(|| self.foreign_infix())
    }
}
