//! Whether the functions that a kernel calls still mean what they meant when it was compiled.

use crate::check::names::Resolved;
use crate::registry::Registry;
use crate::syntax::ast::Expr;
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
        let holds = resolved.calls.iter().all(|(&id, call)| {
            let Expr::Call(name, _) = &resolved.ast[id] else { return true };
            self.functions.get(&name.name).is_some_and(|function| Arc::ptr_eq(&function, &call.function))
        });
        if holds {
            self.generation.store(generation, Ordering::Relaxed);
        }
        holds
    }
}
