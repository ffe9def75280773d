//! A compiled expression.

use super::fast_path::FastPaths;
use super::meaning::Meaning;
use super::repeat::Repeats;
use super::typed::{Key, Typed};
use crate::check::lower::{ArgumentType, Stores, lower};
use crate::check::names::Resolved;
use crate::check::term::Known;
use crate::codegen::{Layout, Simd, Stride};
use crate::diagnostic::{Error, Report};
use crate::dtype::{Casting, Type};
use crate::ir::Role;
use crate::opt::{self, FastMath};
use crate::registry::expression::Lookup;
use crate::registry::function::Function;
use crate::runtime::plan::FoldOrder;
use crate::syntax::ast::Name;
use smallvec::SmallVec;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// A compiled expression: immutable to its users, callable from any thread.
///
/// Specialisations are made at first use, and kept as long as the kernel lives.
pub struct Kernel {
    text: Arc<str>,
    pub(super) resolved: Resolved,
    meaning: Meaning,
    arguments: Vec<Name>,
    outputs: Vec<Output>,
    /// The loop of each statement where shapes are all alike.
    pub(super) few_loops: SmallVec<[u32; 4]>,
    fastmath: FastMath,
    pub(super) simd: Simd,
    pub(super) code_bytes: Arc<AtomicUsize>,
    typed: RwLock<Vec<Arc<Typed>>>,
    pub(super) fast_paths: FastPaths,
    pub(super) repeats: Repeats,
}

/// An output of a kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The name; `result` for the value of the program.
    pub name: Name,
    /// The argument that is updated in place; none if the output is allocated, or given by `out=`.
    pub target: Option<usize>,
}

/// More types than this make a kernel forget the oldest.
const MOST_TYPES: usize = 64;

/// The functions that the text calls, with the meaning that they had when it was compiled.
impl Lookup for Kernel {
    fn function(&self, name: &str) -> Option<Arc<Function>> {
        self.resolved.called.iter().find(|(known, _)| **known == *name).map(|(_, function)| Arc::clone(function))
    }

    fn names(&self) -> Vec<Name> {
        self.resolved.called.iter().map(|(name, _)| Arc::clone(name)).collect()
    }
}

impl Kernel {
    pub(super) fn new(
        text: Arc<str>,
        resolved: Resolved,
        meaning: Meaning,
        fastmath: FastMath,
        simd: Simd,
        code_bytes: Arc<AtomicUsize>,
    ) -> Kernel {
        let outputs = resolved.outputs.iter().map(|o| Output { name: Arc::clone(&o.name), target: o.target });
        Kernel {
            text,
            arguments: resolved.arguments.iter().map(|a| Arc::clone(&a.name)).collect(),
            outputs: outputs.collect(),
            few_loops: resolved.loops(|_, _| true),
            resolved,
            meaning,
            fastmath,
            simd,
            code_bytes,
            typed: RwLock::default(),
            fast_paths: FastPaths::default(),
            repeats: Repeats::default(),
        }
    }

    /// Do the functions that it calls still have that meaning in their registry? Calling it calls those
    /// that it was compiled with, whatever became of them.
    #[inline]
    pub fn is_current(&self) -> bool {
        self.meaning.holds(&self.resolved)
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The names of the arguments, in order.
    pub fn arguments(&self) -> &[Name] {
        &self.arguments
    }

    /// Is an argument written by an `op=`?
    pub fn is_target(&self, argument: usize) -> bool {
        self.resolved.arguments[argument].is_target
    }

    /// The byte range of the text where an argument's name first stands.
    pub fn argument_span(&self, argument: usize) -> crate::source::Span {
        self.resolved.arguments[argument].span
    }

    /// The outputs, in order.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The types for which there is machine code, as `f8(f8, float)`: result types before the
    /// parenthesis, argument types in it.
    pub fn signatures(&self) -> Vec<String> {
        let typed = self.typed.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<String> = Vec::new();
        for typed in typed.iter() {
            let signature = self.signature(typed);
            if !all.contains(&signature) {
                all.push(signature);
            }
        }
        all
    }

    fn signature(&self, typed: &Typed) -> String {
        let arguments: Vec<String> = typed.key.arguments.iter().map(|a| a.ty.code()).collect();
        let outputs: Vec<String> =
            self.outputs.iter().enumerate().map(|(index, o)| typed.output(index, o.target).code()).collect();
        let outputs = match outputs.as_slice() {
            [one] => one.clone(),
            several => format!("({})", several.join(", ")),
        };
        format!("{outputs}({})", arguments.join(", "))
    }

    /// Compiles for arguments of the given types: contiguous arrays, and Python's own numbers.
    ///
    /// # Errors
    /// As [`Kernel::call`] gives them for such arguments.
    pub fn compile_signature(&self, types: &[Type]) -> Result<(), Error> {
        if types.len() != self.arguments.len() {
            return Err(Error::Type(format!(
                "the signature has {} types, but the expression has {} arguments",
                types.len(),
                self.arguments.len()
            )));
        }
        let key = Key {
            arguments: types.iter().map(|&ty| ArgumentType { ty, known: self.assumed(ty) }).collect(),
            outputs: self.outputs.iter().map(|_| None).collect(),
            casting: Casting::default(),
            groups: self.few_loops.clone(),
            masked: None,
        };
        let typed = self.typed(key)?;
        for index in 0..typed.loops.len() {
            let layouts: Vec<Layout> = typed
                .program
                .operands
                .iter()
                .zip(&typed.loops[index].uses)
                .map(|(operand, uses)| {
                    let is_scalar = match operand.role {
                        Role::Argument(argument) => types[argument as usize].is_weak(),
                        Role::Count(_) => true,
                        _ => false,
                    };
                    let is_used = uses.reads || uses.writes;
                    let stride = if is_scalar || !is_used { Stride::Constant } else { Stride::Contiguous };
                    Layout { stride, swapped: false }
                })
                .collect();
            match typed.loops[index].results.is_empty() {
                true => _ = typed.code(index, &layouts, self.simd, &self.code_bytes)?,
                false => _ = typed.folding_code(index, &layouts, FoldOrder::Row, self.simd, &self.code_bytes)?,
            }
        }
        Ok(())
    }

    /// What is taken for known of an argument of which there is only the type.
    fn assumed(&self, ty: Type) -> Known {
        if self.resolved.powers_matter && ty == Type::WeakInt { Known::Positive } else { Known::Unknown }
    }

    /// The typed program for a key, made if there is none.
    pub(super) fn typed(&self, key: Key) -> Result<Arc<Typed>, Error> {
        {
            let typed = self.typed.read().unwrap_or_else(PoisonError::into_inner);
            // The one used last is likely to be used next.
            if let Some(typed) = typed.iter().rev().find(|typed| typed.key == key) {
                return Ok(Arc::clone(typed));
            }
        }
        let stores =
            Stores { casting: key.casting, outputs: &key.outputs, groups: &key.groups, masked: key.masked.as_deref() };
        let lowered = lower(&self.resolved, &key.arguments, &stores)
            .map_err(|diagnostics| Error::Report(Report::new(Arc::clone(&self.text), diagnostics)))?;
        let mut program = lowered.program;
        opt::optimise(&mut program, &opt::Options { fastmath: self.fastmath, disabled: Vec::new() });
        let made = Arc::new(Typed::new(key, program, &lowered.statements, lowered.outputs));
        let mut typed = self.typed.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been quicker.
        if let Some(typed) = typed.iter().find(|typed| typed.key == made.key) {
            return Ok(Arc::clone(typed));
        }
        if typed.len() == MOST_TYPES {
            let oldest = typed.remove(0);
            self.code_bytes.fetch_sub(oldest.footprint(), Ordering::Relaxed);
        }
        typed.push(Arc::clone(&made));
        Ok(made)
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let typed = self.typed.get_mut().unwrap_or_else(PoisonError::into_inner);
        let bytes = typed.iter().map(|t| t.footprint()).sum();
        self.code_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kernel({:?})", self.text)
    }
}
