//! Functions of one element as block kernels, by tables.

use super::block::dispatch::Kernels;

/// A function of float64 that rows of the registry call.
#[derive(Debug)]
pub struct Native {
    /// The name.
    pub name: &'static str,
    /// The parameters' names.
    pub params: &'static [&'static str],
    /// The function.
    pub kernels: Kernels,
}

/// A table of natives and, behind `in`, what their names begin with. Its rows: `name(parameters): function`
/// of one element, and where there is one `| lane`: the same
/// without branches, which gives a pair of the value and whether the arguments are rare, when only the function
/// is right, or `=> lane`, which is
/// right for all.
macro_rules! natives {
    ($(#[doc = $doc:literal])+ $table:ident in $prefix:literal: $($name:ident($($param:ident),+): $function:path $(| $rarely:path)? $(=> $lane:path)?;)+) => {
        $(#[doc = $doc])+
        pub static $table: &[$crate::math::native::Native] = &[$($crate::math::native::Native {
            name: concat!($prefix, stringify!($name)),
            params: &[$(stringify!($param)),+],
            kernels: {
                const ARITY: usize = [$(stringify!($param)),+].len();
                struct Lane;
                impl $crate::math::block::dispatch::Nary<ARITY> for Lane {
                    #[inline(always)]
                    fn fast<const FMA: bool>([$($param),+]: [f64; ARITY]) -> (f64, bool) {
                        $crate::math::native::natives!(@fast FMA ($($param),+) $function $(| $rarely)? $(=> $lane)?)
                    }

                    #[inline(always)]
                    fn careful<const FMA: bool>([$($param),+]: [f64; ARITY]) -> f64 {
                        $crate::math::native::natives!(@careful FMA ($($param),+) $function $(| $rarely)? $(=> $lane)?)
                    }
                }
                $crate::math::block::dispatch::Kernels::nary::<Lane, ARITY>(concat!($prefix, stringify!($name)))
            },
        }),+];
    };
    (@fast $fma:ident ($($arg:ident),+) $function:path) => { ($function($($arg),+), false) };
    (@fast $fma:ident ($($arg:ident),+) $function:path | $rarely:path) => { { use $rarely as lane; lane::<$fma>($($arg),+) } };
    (@fast $fma:ident ($($arg:ident),+) $function:path => $lane:path) => { { use $lane as lane; (lane::<$fma>($($arg),+), false) } };
    (@careful $fma:ident ($($arg:ident),+) $function:path) => { $function($($arg),+) };
    (@careful $fma:ident ($($arg:ident),+) $function:path | $rarely:path) => { {
        use $rarely as lane;
        let (value, is_rare) = lane::<$fma>($($arg),+);
        if is_rare { $function($($arg),+) } else { value }
    } };
    (@careful $fma:ident ($($arg:ident),+) $function:path => $lane:path) => { { use $lane as lane; lane::<$fma>($($arg),+) } };
}

pub(super) use natives;
