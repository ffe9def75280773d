//! Strings: comparisons, and functions that take them. A string is no lane, but what block functions read.

use super::errors;
use super::functions::types;
use super::lower::Lowerer;
use super::term::Term;
use crate::dtype::{DType, Type};
use crate::ir::Value;
use crate::math::text::{self, Column, Form, Test};
use crate::registry::function::{Function, TextFunction};
use crate::registry::native;
use crate::source::Span;
use crate::syntax::ast::CompareOp;
use std::sync::Arc;

/// A string, where it is used.
enum Operand {
    /// An element's.
    Value(Value, DType),
    /// The same for all: its padded units.
    Literal(Vec<u8>, Form),
}

/// A literal string.
pub(super) enum Literal {
    /// Of code points, or of the bytes of their UTF-8 where strings of bytes are meant.
    Str(Arc<str>),
    Bytes(Arc<[u8]>),
}

impl Literal {
    /// The type: as NumPy's, strings of bytes have one at least.
    pub(super) fn ty(&self) -> Type {
        match self {
            Literal::Str(_) => Type::WeakStr,
            Literal::Bytes(bytes) => Type::Strong(DType::Bytes(bytes.len().max(1) as u32)),
        }
    }

    /// The units, of code points or bytes.
    fn units(&self, is_wide: bool) -> Vec<u8> {
        match self {
            Literal::Str(text) if is_wide => text.chars().flat_map(|point| (point as u32).to_ne_bytes()).collect(),
            Literal::Str(text) => text.bytes().collect(),
            Literal::Bytes(bytes) => bytes.to_vec(),
        }
    }
}

/// The most units of what strings are added to: a few sums may be very long, and each element takes so much.
const MOST_ADDED: u32 = 1 << 20;

/// The type of strings of a kind, of so many units.
fn of_length(kind: DType, length: u32) -> DType {
    if matches!(kind, DType::Str(_)) { DType::Str(length) } else { DType::Bytes(length) }
}

impl Lowerer<'_> {
    /// Is any of them a string?
    pub(super) fn any_text(terms: &[Term]) -> bool {
        terms.iter().any(|term| matches!(term.ty(), Type::WeakStr | Type::Strong(DType::Bytes(_) | DType::Str(_))))
    }

    /// A comparison of strings.
    pub(super) fn compare_texts(&mut self, op: CompareOp, a: Term, b: Term, span: Span) -> Term {
        let (test, ufunc) = match op {
            CompareOp::Eq => (Test::Eq, "equal"),
            CompareOp::Ne => (Test::Ne, "not_equal"),
            CompareOp::Lt => (Test::Lt, "less"),
            CompareOp::Le => (Test::Le, "less_equal"),
            CompareOp::Gt => (Test::Gt, "greater"),
            CompareOp::Ge => (Test::Ge, "greater_equal"),
        };
        match (op, a) {
            // So that the literal is the second.
            (_, Term::Text(..)) if !matches!(b, Term::Text(..)) => {
                self.compare_texts(super::operators::mirrored(op), b, a, span)
            }
            _ => self.test_texts(test, ufunc, a, b, span),
        }
    }

    /// A call of a function that takes strings.
    pub(super) fn text_call(&mut self, function: &Function, which: TextFunction, args: &[Term], span: Span) -> Term {
        match which {
            TextFunction::Test(test) => self.test_texts(test, &function.name, args[0], args[1], span),
            TextFunction::Find => self.with_texts(args, &function.name, DType::I64, span, |columns, out| {
                text::places(columns[0], columns[1], out.as_i64());
            }),
            TextFunction::Len => self.with_texts(args, &function.name, DType::I64, span, |columns, out| {
                text::lengths(columns[0], out.as_i64());
            }),
            TextFunction::Upper | TextFunction::Lower => {
                let is_upper = which == TextFunction::Upper;
                let Some(dtype) = self.common_text(args).filter(|_| !matches!(args[0], Term::Text(..))) else {
                    return self.error(errors::no_text_loop(&function.name, &types(args), span));
                };
                self.with_texts(args, &function.name, dtype, span, move |columns, out| {
                    if let Column::Each(form, text) = columns[0] {
                        text::change_case(form, is_upper, text, out.as_bytes());
                    }
                })
            }
        }
    }

    /// Strings in elements of another width.
    pub(super) fn cast_text(&mut self, text: Term, dtype: DType, span: Span) -> Term {
        self.with_texts(&[text], "astype", dtype, span, move |columns, out| {
            text::copy(columns[0], dtype.size(), out.as_bytes());
        })
    }

    /// The first strings where a condition holds, else the second ones: as wide as the wider ones.
    pub(super) fn choose_texts(&mut self, condition: Term, then: Term, otherwise: Term, span: Span) -> Term {
        let args = [condition, then, otherwise];
        let wrong = || errors::no_text_loop("where", &types(&args), span);
        if Self::any_text(&[condition]) {
            return self.error(wrong());
        }
        let Some(common) = self.common_text(&args[1..]) else { return self.error(wrong()) };
        let length = self.length(then, common).max(self.length(otherwise, common));
        let result = of_length(common, length);
        let condition = self.truth(condition);
        let args = [Term::strong(condition, DType::Bool), then, otherwise];
        self.with_columns(&args, common, "where", result, span, move |columns, out| {
            if let Column::Each(_, condition) = columns[0] {
                text::choose(condition, columns[1], columns[2], result.size(), out.as_bytes());
            }
        })
    }

    /// The second strings behind the first ones.
    pub(super) fn add_texts(&mut self, a: Term, b: Term, span: Span) -> Term {
        let Some(common) = self.common_text(&[a, b]) else {
            return self.error(errors::no_text_loop("add", &types(&[a, b]), span));
        };
        let length = self.length(a, common).saturating_add(self.length(b, common));
        if length > MOST_ADDED {
            return self.error(errors::text_too_long(length, MOST_ADDED, span));
        }
        let result = of_length(common, length);
        self.with_columns(&[a, b], common, "add", result, span, move |columns, out| {
            text::concatenate(columns[0], columns[1], result.size(), out.as_bytes());
        })
    }

    /// The most units of strings, where bytes or code points are meant. As NumPy's, a literal has one at least.
    fn length(&self, text: Term, common: DType) -> u32 {
        let length = match (text, text.ty().dtype()) {
            (Term::Text(literal, Type::WeakStr), _) => match (common, &self.literals[literal as usize]) {
                (DType::Str(_), Literal::Str(text)) => text.chars().count() as u32,
                (_, literal) => literal.units(false).len() as u32,
            },
            (_, DType::Str(length) | DType::Bytes(length)) => length,
            _ => 0,
        };
        length.max(1)
    }

    fn test_texts(&mut self, test: Test, name: &str, a: Term, b: Term, span: Span) -> Term {
        self.with_texts(&[a, b], name, DType::Bool, span, move |columns, out| {
            text::test(test, columns[0], columns[1], out.as_bytes());
        })
    }

    /// The type of what is not a literal, if all are strings of one kind; of literals alone, that of code points.
    fn common_text(&self, args: &[Term]) -> Option<DType> {
        let mut common: Option<DType> = None;
        let is_literal = |arg: &&Term| matches!(arg, Term::Text(..));
        for arg in args.iter().filter(|arg| !is_literal(arg)).chain(args.iter().filter(is_literal)) {
            match (arg.ty(), common) {
                (Type::WeakStr, _) => {}
                (Type::Strong(dtype @ (DType::Bytes(_) | DType::Str(_))), None) => common = Some(dtype),
                (Type::Strong(DType::Bytes(_)), Some(DType::Bytes(_))) => {}
                (Type::Strong(DType::Str(_)), Some(DType::Str(_))) => {}
                _ => return None,
            }
        }
        Some(common.unwrap_or(DType::Str(0)))
    }

    /// A call of a function of strings.
    fn with_texts(
        &mut self,
        args: &[Term],
        name: &str,
        result: DType,
        span: Span,
        apply: impl Fn(&[Column], native::Column) + Send + Sync + 'static,
    ) -> Term {
        if args.contains(&Term::Poison) {
            return Term::Poison;
        }
        match self.common_text(args) {
            Some(common) => self.with_columns(args, common, name, result, span, apply),
            None => self.error(errors::no_text_loop(name, &types(args), span)),
        }
    }

    /// A call of a function of columns; literal strings among them become what the type has that is common to all.
    fn with_columns(
        &mut self,
        args: &[Term],
        common: DType,
        name: &str,
        result: DType,
        span: Span,
        apply: impl Fn(&[Column], native::Column) + Send + Sync + 'static,
    ) -> Term {
        let is_wide = matches!(common, DType::Str(_));
        let mut operands = Vec::with_capacity(args.len());
        for &arg in args {
            operands.push(match arg {
                Term::Value(value, ty, _) => Operand::Value(value, ty.dtype()),
                Term::Text(literal, _) => {
                    // Of the first operand's width where it fits, so that equality is one of words.
                    let width = common.size();
                    let mut units = self.literals[literal as usize].units(is_wide);
                    units.resize(units.len().max(width), 0);
                    let form = Form { is_wide, size: units.len() };
                    Operand::Literal(units, form)
                }
                _ => return self.error(errors::no_text_loop(name, &types(args), span)),
            });
        }
        let mut values = Vec::new();
        let mut params = Vec::new();
        for operand in &operands {
            if let Operand::Value(value, dtype) = operand {
                values.push(*value);
                params.push(*dtype);
            }
        }
        let whole = move |given: &[&[u8]], out: native::Column| {
            let mut given = given.iter();
            let columns: smallvec::SmallVec<[Column; 3]> = operands
                .iter()
                .map(|operand| match operand {
                    Operand::Literal(units, form) => Column::Same(*form, units),
                    Operand::Value(_, dtype) => {
                        let form = Form { is_wide: matches!(dtype, DType::Str(_)), size: dtype.size() };
                        Column::Each(form, given.next().expect("an argument for each value"))
                    }
                })
                .collect();
            apply(&columns, out);
        };
        let callee = Arc::new(native::columns(name, params, result, whole));
        Term::strong(self.current.call(&callee, &values), result)
    }
}
