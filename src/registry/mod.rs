//! What names mean: the constants, and the functions by one row each.

pub mod builtins;
pub mod expression;
pub mod function;
pub mod native;

use crate::syntax::ast::Name;
use crate::syntax::{is_identifier, is_keyword};
use expression::Lookup;
use function::Function;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use unicode_normalization::UnicodeNormalization;

/// The constants: Python floats under names that arguments may take.
pub const CONSTANTS: [(&str, f64); 4] =
    [("pi", std::f64::consts::PI), ("e", std::f64::consts::E), ("inf", f64::INFINITY), ("nan", f64::NAN)];

/// The value of a constant.
pub fn constant(name: &str) -> Option<f64> {
    CONSTANTS.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
}

/// A name for a function that is added, in the form in which names are compared.
///
/// # Errors
/// What is wrong with it: the name of a function is an identifier, so that calls can be written without
/// backticks.
///
/// # Examples
/// ```
/// use numfuse::registry::valid_name;
/// assert_eq!(&*valid_name("log_ﬁt").unwrap(), "log_fit");
/// assert!(valid_name("log-fit").is_err());
/// ```
pub fn valid_name(name: &str) -> Result<Name, String> {
    let normalised: String = name.nfkc().collect();
    match is_identifier(&normalised) {
        true => Ok(normalised.into()),
        false if is_keyword(&normalised) => Err(format!("{name:?} is a keyword and can't be a function's name")),
        false => Err(format!("{name:?} is no identifier and can't be a function's name")),
    }
}

type Names = HashMap<Name, Arc<Function>>;

/// Functions by name: its own, which shadow the built-in ones.
#[derive(Debug, Default)]
pub struct Registry {
    own: RwLock<Names>,
    /// Counts changes.
    generation: AtomicU64,
}

/// The built-in functions, private ones included.
pub fn builtin() -> &'static Names {
    static BUILTIN: OnceLock<Names> = OnceLock::new();
    BUILTIN.get_or_init(|| {
        let mut names = Names::new();
        for function in builtins::all() {
            for name in std::iter::once(&*function.name).chain(function.aliases.iter().copied()) {
                let old = names.insert(Arc::from(name), Arc::clone(function));
                debug_assert!(old.is_none(), "two functions are called {name}");
            }
        }
        names
    })
}

impl Registry {
    /// One that holds the built-in functions alone; nothing may be added to it.
    pub fn builtin() -> &'static Registry {
        static NOTHING: OnceLock<Registry> = OnceLock::new();
        NOTHING.get_or_init(Registry::default)
    }

    /// The process's registry, to which functions are added unless another is named.
    pub fn global() -> &'static Arc<Registry> {
        static GLOBAL: OnceLock<Arc<Registry>> = OnceLock::new();
        GLOBAL.get_or_init(Arc::default)
    }

    /// The function of that name.
    pub fn get(&self, name: &str) -> Option<Arc<Function>> {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        own.get(name).or_else(|| builtin().get(name).filter(|function| !function.is_private())).cloned()
    }

    /// Adds a function under its name. What was compiled before goes on calling what it called.
    ///
    /// # Errors
    /// The function that has this name, unless it is to be replaced. A built-in's name is free.
    pub fn add(&self, function: Function, replace: bool) -> Result<(), Arc<Function>> {
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = own.get(&*function.name)
            && !replace
        {
            return Err(Arc::clone(known));
        }
        let old = own.insert(Arc::from(&*function.name), Arc::new(function));
        self.generation.fetch_add(1, Ordering::Release);
        drop(own);
        // The last holder of a function lets go of its owner, who may run anything: not under the lock.
        drop(old);
        Ok(())
    }

    /// Takes a function of its own away; false if there is none of that name.
    pub fn remove(&self, name: &str) -> bool {
        let mut own = self.own.write().unwrap_or_else(PoisonError::into_inner);
        let old = own.remove(name);
        self.generation.fetch_add(1, Ordering::Release);
        drop(own);
        old.is_some()
    }

    /// Its own functions, in the order of their names.
    pub fn own(&self) -> Vec<Arc<Function>> {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        let mut functions: Vec<Arc<Function>> = own.values().cloned().collect();
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        functions
    }

    /// Every name that means a function, aliases included.
    pub fn names(&self) -> Vec<Name> {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        let public = builtin().iter().filter(|(name, function)| !function.is_private() && !own.contains_key(*name));
        own.keys().chain(public.map(|(name, _)| name)).cloned().collect()
    }

    /// A number that differs from that of any time when names meant something else.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
}

impl Lookup for Registry {
    fn function(&self, name: &str) -> Option<Arc<Function>> {
        self.get(name)
    }

    fn names(&self) -> Vec<Name> {
        Registry::names(self)
    }
}
