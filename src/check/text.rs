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
            (_, Term::Str(_)) if !matches!(b, Term::Str(_)) => {
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
                let Some(dtype) = self.common_text(args).filter(|_| !matches!(args[0], Term::Str(_))) else {
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

    fn test_texts(&mut self, test: Test, name: &str, a: Term, b: Term, span: Span) -> Term {
        self.with_texts(&[a, b], name, DType::Bool, span, move |columns, out| {
            text::test(test, columns[0], columns[1], out.as_bytes());
        })
    }

    /// The type of what is not a literal, if all are strings of one kind; of literals alone, that of code points.
    fn common_text(&self, args: &[Term]) -> Option<DType> {
        let mut common: Option<DType> = None;
        for arg in args {
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
        let Some(common) = self.common_text(args) else {
            return self.error(errors::no_text_loop(name, &types(args), span));
        };
        let is_wide = matches!(common, DType::Str(_));
        let mut operands = Vec::with_capacity(args.len());
        for &arg in args {
            operands.push(match arg {
                Term::Value(value, ty, _) => Operand::Value(value, ty.dtype()),
                Term::Str(literal) => {
                    // Of the first operand's width where it fits, so that equality is one of words.
                    let width = common.size();
                    let literal = &self.strings[literal as usize];
                    let mut units: Vec<u8> = match is_wide {
                        true => literal.chars().flat_map(|point| (point as u32).to_ne_bytes()).collect(),
                        false => literal.bytes().collect(),
                    };
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
        if values.is_empty() {
            // Two literals: nothing is asked of data.
            return self.error(errors::text_literals(span));
        }
        let whole = move |given: &[&[u8]], out: native::Column| {
            let mut given = given.iter();
            let columns: smallvec::SmallVec<[Column; 2]> = operands
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
