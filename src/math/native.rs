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

/// A table of natives, by their modules. Its rows: `name(parameters)` of a function of one element, and where there is
/// one `| lane`: the same without branches, which gives a pair of the value and whether the arguments are rare, when
/// only the function is right, or `=> lane`, which is right for all. Behind `as` stands what a native is called: `name`
/// or `__module_name`.
macro_rules! natives {
    ($(#[doc = $doc:literal])+ $table:ident as $naming:ident: $($module:ident {
        $($name:ident($($param:ident),+) $(| $rarely:ident)? $(=> $lane:ident)?;)+
    })+) => {
        $(#[doc = $doc])+
        pub static $table: &[$crate::math::native::Native] = &[$($({
            const NAME: &str = natives!(@$naming $module $name);
            const ARITY: usize = [$(stringify!($param)),+].len();
            struct Lane;
            impl $crate::math::block::dispatch::Nary<ARITY> for Lane {
                #[inline(always)]
                fn fast<const FMA: bool>([$($param),+]: [f64; ARITY]) -> (f64, bool) {
                    natives!(@fast FMA $module ($($param),+) $name $(| $rarely)? $(=> $lane)?)
                }

                #[inline(always)]
                fn careful<const FMA: bool>([$($param),+]: [f64; ARITY]) -> f64 {
                    natives!(@careful FMA $module ($($param),+) $name $(| $rarely)? $(=> $lane)?)
                }
            }
            $crate::math::native::Native {
                name: NAME,
                params: &[$(stringify!($param)),+],
                kernels: $crate::math::block::dispatch::Kernels::nary::<Lane, ARITY>(NAME),
            }
        }),+),+];
    };
    (@name $module:ident $name:ident) => { stringify!($name) };
    (@__module_name $module:ident $name:ident) => { concat!("__", stringify!($module), "_", stringify!($name)) };
    (@fast $fma:ident $module:ident $args:tt $name:ident) => { ($module::$name $args, false) };
    (@fast $fma:ident $module:ident $args:tt $name:ident | $rarely:ident) => { $module::$rarely::<$fma> $args };
    (@fast $fma:ident $module:ident $args:tt $name:ident => $lane:ident) => { ($module::$lane::<$fma> $args, false) };
    (@careful $fma:ident $module:ident $args:tt $name:ident) => { $module::$name $args };
    (@careful $fma:ident $module:ident $args:tt $name:ident | $rarely:ident) => { {
        let (value, is_rare) = $module::$rarely::<$fma> $args;
        if is_rare { $module::$name $args } else { value }
    } };
    (@careful $fma:ident $module:ident $args:tt $name:ident => $lane:ident) => { $module::$lane::<$fma> $args };
}

pub(super) use natives;
