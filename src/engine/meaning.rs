//! Whether the functions that a kernel calls still mean what they meant when it was compiled.

use crate::check::names::Resolved;
use crate::registry::Registry;
use crate::registry::function::Function;
use crate::syntax::ast::Name;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The registry in which a kernel's functions were found, and when they were last seen to be the same.
#[derive(Debug)]
pub(super) struct Meaning {
    functions: Arc<Registry>,
    generation: AtomicU64,
}

impl Meaning {
    /// As of now.
    pub(super) fn new(functions: &Arc<Registry>) -> Meaning {
        Meaning { functions: Arc::clone(functions), generation: AtomicU64::new(functions.generation()) }
    }

    /// Would the program's functions be found again?
    #[inline]
    pub(super) fn holds(&self, resolved: &Resolved) -> bool {
        self.functions.generation() == self.generation.load(Ordering::Relaxed) || self.still_holds(resolved)
    }

    #[cold]
    fn still_holds(&self, resolved: &Resolved) -> bool {
        let generation = self.functions.generation();
        let is_same = |(name, function): &(Name, Arc<Function>)| {
            self.functions.get(name).is_some_and(|other| Arc::ptr_eq(&other, function))
        };
        let holds = resolved.called.iter().all(is_same);
        if holds {
            self.generation.store(generation, Ordering::Relaxed);
        }
        holds
    }
}
