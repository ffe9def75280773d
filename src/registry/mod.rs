//! What names mean: the constants, and the functions by one row each.

pub mod builtins;
pub mod function;

use function::Function;
use std::collections::HashMap;
use std::sync::OnceLock;

/// The constants: Python floats under names that arguments may take.
pub const CONSTANTS: [(&str, f64); 4] =
    [("pi", std::f64::consts::PI), ("e", std::f64::consts::E), ("inf", f64::INFINITY), ("nan", f64::NAN)];

/// The value of a constant.
pub fn constant(name: &str) -> Option<f64> {
    CONSTANTS.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
}

/// The functions by name.
#[derive(Debug)]
pub struct Registry {
    names: HashMap<&'static str, &'static Function>,
}

impl Registry {
    /// The built-in functions.
    pub fn builtin() -> &'static Registry {
        static BUILTIN: OnceLock<Registry> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let mut names = HashMap::new();
            for function in builtins::all() {
                for name in std::iter::once(&function.name).chain(function.aliases) {
                    let old = names.insert(*name, function);
                    debug_assert!(old.is_none(), "two functions are called {name}");
                }
            }
            Registry { names }
        })
    }

    /// The function of that name.
    pub fn get(&self, name: &str) -> Option<&'static Function> {
        self.names.get(name).copied()
    }

    /// Every name that means a function, aliases included.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.names.keys().copied()
    }
}
