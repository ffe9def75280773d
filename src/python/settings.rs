//! `compile` and its options, and what holds for the process or the thread: threads and the cache.

use super::error::{exception, guarded, text};
use super::kernel::{KernelObject, compile as compile_text};
use super::register::RegistryObject;
use super::{evaluate, options};
use crate::dtype::{DType, Type};
use crate::engine::{Engine, Options};
use crate::opt::FastMath;
use crate::runtime::threads;
use crate::syntax::Limits;
use crate::syntax::ast::Name;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyFloat, PyInt, PyMapping, PyString};
use unicode_normalization::UnicodeNormalization;

/// Compile an expression into a kernel.
///
/// args are names that are arguments even where the language has a constant of that name (pi, e,
/// inf, nan); every one must occur in the text. A kernel takes its arguments in order of their
/// first occurrence in the text, unless args lists them all: then in that order.
///
/// signatures are compiled at once; all others at first use. A signature is a string such as
/// 'f8(f8, float, i4)' or 'f8, f8', or a tuple of dtypes and of the types int and float, which are
/// Python's own numbers; NumPy's dtypes have their array interface's code ('?' is bool).
///
/// fastmath is False, True, or which of 'contract', 'afn' and 'reassoc' are allowed: 'contract'
/// rounds a*b + c once; 'afn' (approximate functions) multiplies x**3 to x**5 of float64 as they
/// stand, wrong by up to n - 1 units in the last place for x**n, and computes erfc of float64 within
/// 4 units by a shorter method; 'reassoc' has no effect yet.
///
/// limits is a mapping that replaces the limits on the text's 'characters', the tree's 'nodes' and
/// the 'depth' of its brackets.
///
/// functions is the Registry whose functions the text may call beside the built-in ones; if none is
/// given, that of numfuse.register.
///
/// Errors: all mistakes of the text are reported at once, as an ExprSyntaxError, ExprNameError,
/// ExprTypeError, ExprValueError, ExprOverflowError or ExprZeroDivisionError.
///
/// >>> import numpy as np, numfuse as nf
/// >>> kernel = nf.compile('sqrt(u*u + v*v)')
/// >>> kernel(np.array([3.0, 5.0]), np.array([4.0, 12.0]))
/// array([ 5., 13.])
/// >>> nf.compile('2*e', args=['e'])(21)
/// np.int64(42)
#[pyfunction]
#[pyo3(signature = (expr, args=None, *, signatures=None, fastmath=None, limits=None, functions=None),
       text_signature = "(expr, args=None, *, signatures=None, fastmath=False, limits=None, functions=None)")]
pub(super) fn compile<'py>(
    py: Python<'py>,
    expr: &Bound<'py, PyString>,
    args: Option<&Bound<'py, PyAny>>,
    signatures: Option<&Bound<'py, PyAny>>,
    fastmath: Option<&Bound<'py, PyAny>>,
    limits: Option<&Bound<'py, PyAny>>,
    functions: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    guarded(|| {
        let options = Options {
            args: args.map(argument_names).transpose()?,
            fastmath: fastmath.map(self::fastmath).transpose()?.unwrap_or_default(),
            limits: limits.map(self::limits).transpose()?.unwrap_or_default(),
            functions: functions.map(RegistryObject::of_option).transpose()?.flatten(),
            ..Options::default()
        };
        let kernel = compile_text(py, text(expr)?, &options)?;
        if let Some(signatures) = signatures {
            if signatures.is_instance_of::<PyString>() {
                return Err(PyTypeError::new_err("signatures must be a sequence of signatures, not a string"));
            }
            for signature in signatures.try_iter()? {
                compile_signature(py, &kernel, &signature?)?;
            }
        }
        Ok(kernel)
    })
}

/// Restores a pickled kernel.
#[pyfunction]
#[pyo3(signature = (text, args, fastmath, limits, /))]
pub(super) fn _restore_kernel<'py>(
    py: Python<'py>,
    text: &str,
    args: Option<Vec<String>>,
    fastmath: Bound<'py, PyAny>,
    limits: (usize, usize, usize),
) -> PyResult<Bound<'py, PyAny>> {
    guarded(|| {
        let options = Options {
            args: args.map(|args| args.into_iter().map(Name::from).collect()),
            fastmath: self::fastmath(&fastmath)?,
            limits: Limits { characters: limits.0, nodes: limits.1, depth: limits.2 },
            ..Options::default()
        };
        compile_text(py, text, &options)
    })
}

fn argument_names(args: &Bound<'_, PyAny>) -> PyResult<Vec<Name>> {
    if args.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("args must be a sequence of names, not a string"));
    }
    let name = |name: PyResult<Bound<'_, PyAny>>| -> PyResult<Name> {
        let name = name?;
        let name = name.cast::<PyString>().map_err(|_| PyTypeError::new_err("args must be a sequence of names"))?;
        Ok(name.to_str()?.nfkc().collect::<String>().into())
    };
    args.try_iter()?.map(name).collect()
}

/// Which departures from strict arithmetic are allowed.
pub(super) fn fastmath(value: &Bound<'_, PyAny>) -> PyResult<FastMath> {
    if let Ok(all) = value.cast::<PyBool>() {
        return Ok(FastMath { contract: all.is_true(), afn: all.is_true() });
    }
    let mut allowed = FastMath::default();
    let mut allow = |flag: &Bound<'_, PyAny>| match flag.extract::<&str>() {
        Ok("contract") => {
            allowed.contract = true;
            Ok(())
        }
        Ok("afn") => {
            allowed.afn = true;
            Ok(())
        }
        // Nothing departs from strict arithmetic in this way yet.
        Ok("reassoc") => Ok(()),
        _ => {
            let message =
                format!("fastmath must be a bool, or of 'contract', 'reassoc' and 'afn' (got {})", flag.repr()?);
            Err(PyValueError::new_err(message))
        }
    };
    if value.is_instance_of::<PyString>() {
        allow(value)?;
    } else if let Ok(flags) = value.try_iter() {
        for flag in flags {
            allow(&flag?)?;
        }
    } else {
        return Err(PyTypeError::new_err("fastmath must be a bool, or of 'contract', 'reassoc' and 'afn'"));
    }
    Ok(allowed)
}

fn limits(value: &Bound<'_, PyAny>) -> PyResult<Limits> {
    let mapping = value.cast::<PyMapping>().map_err(|_| PyTypeError::new_err("limits must be a mapping"))?;
    let mut limits = Limits::default();
    for item in mapping.items()?.iter() {
        let (name, limit) = item.extract::<(String, usize)>()?;
        match &*name {
            "characters" => limits.characters = limit,
            "nodes" => limits.nodes = limit,
            "depth" => limits.depth = limit,
            _ => {
                let message = format!("the limits are 'characters', 'nodes' and 'depth' (got '{name}')");
                return Err(PyValueError::new_err(message));
            }
        }
    }
    Ok(limits)
}

fn compile_signature(py: Python<'_>, object: &Bound<'_, PyAny>, signature: &Bound<'_, PyAny>) -> PyResult<()> {
    // SAFETY: `compile_text` gives instances of Kernel, and `object` is alive.
    let kernel = unsafe { KernelObject::of(object.as_ptr()) }.kernel();
    let (result, types) = match signature.cast::<PyString>() {
        Ok(signature) => parse_signature(signature.to_str()?)?,
        Err(_) => (None, signature.try_iter()?.map(|ty| argument_type(&ty?)).collect::<PyResult<Vec<_>>>()?),
    };
    let names = kernel.arguments();
    if types.len() != names.len() {
        let message = format!(
            "signature {} has {} argument{}, but the expression has {}",
            signature.repr()?,
            types.len(),
            if types.len() == 1 { "" } else { "s" },
            names.len()
        );
        return Err(PyTypeError::new_err(message));
    }
    let known = kernel.signatures();
    py.detach(|| kernel.compile_signature(&types)).map_err(|error| exception(py, error))?;
    if let Some(result) = result {
        let compiled = kernel.signatures();
        let written = format!("{}({})", result, types.iter().map(|ty| ty.code()).collect::<Vec<_>>().join(", "));
        let is_it = |text: &String| text.replace(' ', "") == written.replace(' ', "");
        if !compiled.iter().any(is_it) {
            let new = compiled.into_iter().find(|text| !known.contains(text)).unwrap_or_default();
            let message = format!("signature {} does not give the expression's result: {new}", signature.repr()?);
            return Err(PyTypeError::new_err(message));
        }
    }
    Ok(())
}

/// `f8(f8, float)`, or the arguments alone: `f8, float`.
fn parse_signature(signature: &str) -> PyResult<(Option<String>, Vec<Type>)> {
    let wrong = || PyValueError::new_err(format!("'{signature}' is not a signature such as 'f8(f8, float, i4)'"));
    let signature = signature.trim();
    let (result, types) = match signature.strip_suffix(')') {
        Some(signature) => {
            let (result, types) = signature.rsplit_once('(').ok_or_else(wrong)?;
            (Some(result.trim().to_owned()).filter(|result| !result.is_empty()), types)
        }
        None => (None, signature),
    };
    let types = types.split(',').map(str::trim).filter(|ty| !ty.is_empty());
    let types = types.map(|ty| match ty {
        "int" => Ok(Type::WeakInt),
        "float" => Ok(Type::WeakFloat),
        "complex" => Ok(Type::WeakComplex),
        "bool" => Ok(Type::Strong(DType::Bool)),
        _ => DType::parse(ty).or_else(|| DType::parse_time(ty)).map(Type::Strong).ok_or_else(wrong),
    });
    Ok((result, types.collect::<PyResult<_>>()?))
}

fn argument_type(ty: &Bound<'_, PyAny>) -> PyResult<Type> {
    let py = ty.py();
    if ty.is(py.get_type::<PyInt>()) {
        Ok(Type::WeakInt)
    } else if ty.is(py.get_type::<PyFloat>()) {
        Ok(Type::WeakFloat)
    } else if ty.is(py.get_type::<PyComplex>()) {
        Ok(Type::WeakComplex)
    } else {
        let dtype = options::dtype(ty)?;
        dtype.map(Type::Strong).ok_or_else(|| PyTypeError::new_err("a signature's types cannot be None"))
    }
}

/// Set the number of threads that calls use for large arrays, and return the old number.
///
/// It holds for all threads of the process, but in a context of num_threads. The default is that of
/// the environment variable NUMFUSE_NUM_THREADS, else OMP_NUM_THREADS, else the processors that the
/// process may use. Results are the same for any number.
///
/// Errors: a ValueError for less than 1.
///
/// >>> import numfuse as nf
/// >>> old = nf.set_num_threads(1)
/// >>> nf.get_num_threads()
/// 1
/// >>> nf.set_num_threads(old)
/// 1
#[pyfunction]
#[pyo3(signature = (n, /))]
pub(super) fn set_num_threads(n: isize) -> PyResult<usize> {
    let n = thread_count(n)?;
    guarded(|| Ok(threads::set_num_threads(n)))
}

/// Set the number for the calling thread alone, or none, and return the old one; for num_threads.
#[pyfunction]
#[pyo3(signature = (n, /))]
pub(super) fn _set_own_num_threads(n: Option<isize>) -> PyResult<Option<usize>> {
    let n = n.map(thread_count).transpose()?;
    guarded(|| Ok(threads::set_thread_override(n)))
}

fn thread_count(n: isize) -> PyResult<usize> {
    match usize::try_from(n) {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(PyValueError::new_err("the number of threads must be at least 1")),
    }
}

/// The number of threads that calls from the current thread use for large arrays.
///
/// >>> import numfuse as nf
/// >>> nf.get_num_threads() >= 1
/// True
#[pyfunction]
pub(super) fn get_num_threads() -> PyResult<usize> {
    guarded(|| Ok(threads::num_threads()))
}

/// The numbers of `CacheInfo`, in its order.
#[pyfunction]
pub(super) fn _cache_info(py: Python<'_>) -> PyResult<(u64, u64, usize, usize, usize, usize)> {
    guarded(|| {
        let info = Engine::global().cache_info();
        let hits = info.hits + evaluate::hits(py);
        Ok((hits, info.misses, info.kernels, info.code_bytes, info.limit, info.byte_limit))
    })
}

/// Forget all kernels, and set the counts of cache_info back.
///
/// Kernels that are held live on; their texts are compiled anew when they are next met.
///
/// >>> import numfuse as nf
/// >>> nf.cache_clear()
/// >>> nf.cache_info().kernels
/// 0
#[pyfunction]
pub(super) fn cache_clear(py: Python<'_>) -> PyResult<()> {
    guarded(|| {
        evaluate::clear(py);
        py.detach(|| Engine::global().cache_clear());
        Ok(())
    })
}

/// Limit the cache to so many kernels and to so many bytes of machine code; None leaves a limit
/// as it is.
///
/// Beyond a limit, those not used for longest are forgotten; kernels that are held live on.
///
/// Errors: an OverflowError for negative limits.
///
/// >>> import numfuse as nf
/// >>> nf.cache_limit(entries=1000)
/// >>> nf.cache_info().limit
/// 1000
#[pyfunction]
#[pyo3(signature = (entries=None, bytes=None))]
pub(super) fn cache_limit(py: Python<'_>, entries: Option<usize>, bytes: Option<usize>) -> PyResult<()> {
    guarded(|| {
        evaluate::clear(py);
        py.detach(|| Engine::global().set_cache_limit(entries, bytes));
        Ok(())
    })
}
