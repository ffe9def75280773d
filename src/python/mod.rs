//! The Python extension module `numfuse._core`.
//!
//! Calls take the shortest way from Python to the engine: the type of kernels and `evaluate` are
//! made by hand with raw entry points, and objects are recognised by the addresses of their types.
//! All other functions are PyO3's.
//!
//! # Safety
//! Everything here runs under the GIL, except what [`pyo3::Python::detach`] encloses. Arguments of a
//! call are alive until it returns, by the vectorcall protocol; what the call itself makes or looks
//! up, it holds.
#![allow(unsafe_code, reason = "Python's and NumPy's C interfaces")]

mod argument;
mod call;
mod define;
mod error;
mod evaluate;
mod fast_call;
mod held;
mod kernel;
mod numpy_api;
mod options;
mod register;
mod settings;
mod variable_strings;

use pyo3::ffi;
use pyo3::prelude::*;

const EVALUATE: &str =
    "evaluate(expr, mapping=None, /, *, out=None, where=True, casting='same_kind', order='K', dtype=None, fastmath=False, functions=None, **names)
--

Evaluate an expression, compiling it when its text is first met.

The expression's names come from the keywords, else from the mapping: a dict, a DataFrame (its
columns), or anything that has an item for each name. A given name wins over a constant. Only
names that the expression reads are looked up; other entries of the mapping are ignored. The
mapping's own entries are never written: what is updated in place has to be a keyword.

The names out, where, casting, order, dtype, fastmath and functions are options: the first five
as numfuse.Kernel has them, fastmath and functions as numfuse.compile has them. An expression's
name that is the same as an option's has to come from the mapping.

Results, dtypes and errors are those of numfuse.Kernel and numfuse.compile; an ExprNameError says
which names are not given, a TypeError that a keyword is not in the expression.

>>> import numpy as np, numfuse as nf
>>> nf.evaluate('a + b', a=np.arange(3), b=0.5)
array([0.5, 1.5, 2.5])
>>> nf.evaluate('x*y + z', {'x': 2, 'y': 3, 'unused': None}, z=1)
np.int64(7)
";

/// numfuse's private extension module; the package `numfuse` is its public face.
#[pymodule(name = "_core", gil_used = true)]
fn core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    numpy_api::initialise(module.py())?;
    error::register(module)?;
    kernel::register(module)?;
    register::register(module)?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_function(wrap_pyfunction!(settings::compile, module)?)?;
    module.add_function(wrap_pyfunction!(settings::_restore_kernel, module)?)?;
    module.add_function(wrap_pyfunction!(settings::set_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(settings::_set_own_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(settings::get_num_threads, module)?)?;
    module.add_function(wrap_pyfunction!(settings::_cache_info, module)?)?;
    module.add_function(wrap_pyfunction!(settings::cache_clear, module)?)?;
    module.add_function(wrap_pyfunction!(settings::cache_limit, module)?)?;
    module.add_function(wrap_pyfunction!(define::_define, module)?)?;
    module.add_function(wrap_pyfunction!(define::_function_names, module)?)?;
    module.add_function(wrap_pyfunction!(define::_function, module)?)?;
    add_evaluate(module)
}

fn add_evaluate(module: &Bound<'_, PyModule>) -> PyResult<()> {
    // The function points to its definition for as long as the process lives.
    let doc = Box::leak(error::c_string(EVALUATE).into_boxed_c_str());
    let methods = Box::leak(Box::new([
        ffi::PyMethodDef {
            ml_name: c"evaluate".as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: evaluate::evaluate },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: doc.as_ptr(),
        },
        ffi::PyMethodDef::zeroed(),
    ]));
    // SAFETY: the GIL is held; the table ends with a zeroed entry, lives for ever, and its flags say
    // how the function is to be called.
    if unsafe { ffi::PyModule_AddFunctions(module.as_ptr(), methods.as_mut_ptr()) } < 0 {
        return Err(PyErr::fetch(module.py()));
    }
    module.index()?.append("evaluate")
}
