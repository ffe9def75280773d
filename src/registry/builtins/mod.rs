//! The built-in functions, a row each; a file for each family.

mod arithmetic;
mod casts;
mod comparison;
pub mod complex;
mod distributions;
mod elementary;
mod integer;
pub mod operators;
mod reductions;
mod rounding;
mod special;
mod text;
pub mod times;

use super::function::Function;
use std::sync::{Arc, OnceLock};

/// A family: its name and its rows.
type Family = (&'static str, fn() -> Vec<Function>);

const FAMILIES: [Family; 11] = [
    ("Arithmetic, extremes, signs and selection", arithmetic::rows),
    ("Comparison, logic and classification", comparison::rows),
    ("Elementary functions", elementary::rows),
    ("Complex numbers", complex::rows),
    ("Bits and integers", integer::rows),
    ("Rounding", rounding::rows),
    ("Reductions", reductions::rows),
    ("Casts", casts::rows),
    ("Strings", text::rows),
    ("Special functions", special::rows),
    ("Distributions", distributions::rows),
];

/// Every built-in function, family by family.
pub fn all() -> &'static [Arc<Function>] {
    static ALL: OnceLock<Vec<Arc<Function>>> = OnceLock::new();
    ALL.get_or_init(|| FAMILIES.iter().flat_map(|(_, rows)| rows()).map(Arc::new).collect())
}

/// The families' names, each with its functions: chapters of the manual.
pub fn families() -> impl Iterator<Item = (&'static str, &'static [Arc<Function>])> {
    let mut rest = all();
    FAMILIES.iter().map(move |(name, rows)| {
        let (family, others) = rest.split_at(rows().len());
        rest = others;
        (*name, family)
    })
}

/// The family of a built-in function.
pub fn family(function: &Function) -> Option<&'static str> {
    families().find(|(_, rows)| rows.iter().any(|row| std::ptr::eq(&**row, function))).map(|(name, _)| name)
}

/// A table of rows: `name alias ...(parameter, parameter = default): "documentation", ulp, "reference", body;`
macro_rules! rows {
    ($($name:ident $($alias:ident)*($($param:ident $(= $default:literal)?),+): $doc:literal, $ulp:literal, $reference:expr, $body:expr;)+) => {
        pub(super) fn rows() -> Vec<$crate::registry::function::Function> {
            vec![$($crate::registry::function::Function {
                name: $crate::registry::builtins::raw(stringify!($name)).into(),
                aliases: const { &[$($crate::registry::builtins::raw(stringify!($alias))),*] },
                params: vec![$($crate::registry::function::Param {
                    default: $crate::registry::builtins::default!($($default)?),
                    ..$crate::registry::function::Param::required(stringify!($param))
                }),+],
                doc: $doc.into(),
                accuracy: $crate::registry::function::Accuracy::Ulp($ulp),
                reference: $reference.into(),
                body: $body,
                of_complex: $crate::registry::builtins::complex::body(stringify!($name)),
                of_time: $crate::registry::builtins::times::body(stringify!($name)),
            }),+]
        }
    };
}

macro_rules! default {
    () => {
        None
    };
    ($value:literal) => {
        Some($crate::registry::expression::Expression::builtin(stringify!($value)))
    };
}

use {default, rows};

/// A name that is a keyword of Rust is written `r#name` in a table.
const fn raw(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Reference of rows that are NumPy's ufuncs.
const NUMPY: &str = "NumPy's function of the same name";

#[cfg(test)]
mod tests {
    use crate::registry::function::Accuracy;
    use std::collections::HashSet;

    #[test]
    fn every_row_is_complete_and_every_name_means_one_function() {
        let mut seen = HashSet::new();
        for function in super::all() {
            assert!(function.doc.ends_with('.') && function.doc.len() > 3, "{} lacks documentation", function.name);
            assert!(!function.reference.is_empty(), "{} lacks a reference", function.name);
            let budget = match function.accuracy {
                Accuracy::Ulp(most) | Accuracy::Conditioned(most) => most,
                Accuracy::Unknown => f64::NAN,
            };
            assert!((0.0..=256.0).contains(&budget), "{} lacks an error budget", function.name);
            for name in std::iter::once(&*function.name).chain(function.aliases.iter().copied()) {
                assert!(seen.insert(name), "{name} means two functions");
            }
            let first_default = function.params.iter().position(|p| p.default.is_some());
            let required_after =
                function.params[first_default.unwrap_or(function.params.len())..].iter().any(|p| p.default.is_none());
            assert!(!required_after, "{}: a parameter without default stands behind one with", function.name);
        }
        assert!(seen.len() > 100, "only {} names", seen.len());
    }
}
