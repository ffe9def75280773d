//! Registries as Python objects, and native functions of what Python has: addresses, NumPy's loops,
//! callables. What a source is, and which signature it has, is found out by `numfuse._register`.

use super::error::{exception, guarded};
use super::kernel::KernelObject;
use super::numpy_api::dtype_of_number;
use crate::diagnostic::{Error, Failure, Report};
use crate::dtype::{DType, Scalar};
use crate::engine::Functions;
use crate::ir::{Callee, Concurrency, Effects};
use crate::registry::Registry;
use crate::registry::expression::Expression;
use crate::registry::function::{Accuracy, Body, Function, Param};
use crate::registry::native::{self, Chunk, Owner, UfuncLoop};
use crate::syntax::Limits;
use crate::syntax::ast::StatementKind;
use ::numpy::npyffi::PyUFuncObject;
use pyo3::exceptions::{PyOverflowError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyTuple};
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Functions by name, as a Python object; the class `numfuse.Registry` adds what finds sources out.
#[pyclass(name = "_Registry", module = "numfuse._core", subclass, frozen, weakref)]
pub(super) struct RegistryObject(Functions);

/// What generated code needs of a function, for [`RegistryObject::_add`].
#[pyclass(name = "_Callee", module = "numfuse._core", frozen)]
pub(super) struct CalleeObject(Arc<Callee>);

/// A parameter's name, and its default as a text.
type ParamText = (String, Option<String>);

#[pymethods]
impl RegistryObject {
    #[new]
    #[pyo3(signature = (*, _default=false))]
    fn new(_default: bool) -> RegistryObject {
        RegistryObject(Functions(if _default { Arc::clone(Registry::global()) } else { Arc::default() }))
    }

    /// Adds a function of native overloads, with its documentation and what defines it.
    #[pyo3(signature = (name, params, overloads, about, replace, /))]
    fn _add(
        &self,
        py: Python<'_>,
        name: &str,
        params: Vec<ParamText>,
        overloads: Vec<PyRef<'_, CalleeObject>>,
        about: (String, String),
        replace: bool,
    ) -> PyResult<()> {
        guarded(|| {
            if overloads.is_empty() || overloads.iter().any(|overload| overload.0.params.len() != params.len()) {
                return Err(PyValueError::new_err("an overload has another number of parameters"));
            }
            let overloads = overloads.iter().map(|overload| Arc::clone(&overload.0)).collect();
            let params = self.params(py, params)?;
            self.add(function(name, params, about.0, about.1, Body::Foreign(overloads)), replace)
        })
    }

    /// Adds a kernel's expression as a function of its arguments.
    #[pyo3(signature = (name, params, kernel, doc, replace, /))]
    fn _add_kernel(
        &self,
        name: &str,
        params: Vec<ParamText>,
        kernel: &Bound<'_, PyAny>,
        doc: String,
        replace: bool,
    ) -> PyResult<()> {
        guarded(|| {
            let py = kernel.py();
            let kernel = KernelObject::from_bound(kernel)?;
            let text = kernel.kernel().text();
            let failed = |diagnostics| exception(py, Error::Report(Report::new(text.into(), diagnostics)));
            let body = Expression::defined(text, kernel.limits(), kernel.kernel()).map_err(failed)?;
            let ast = body.ast();
            if !matches!(&ast.statements[..], [only] if matches!(only.kind, StatementKind::Result)) {
                let message = "only a kernel of a single expression can be registered, not one with assignments";
                return Err(PyValueError::new_err(message));
            }
            let params = self.params(py, params)?;
            self.add(function(name, params, doc, format!("`{text}`"), Body::Inline(body)), replace)
        })
    }

    /// Take a function away; kernels that call it go on calling it.
    ///
    /// Errors: a KeyError if the registry has no function of its own of that name.
    ///
    /// >>> import numfuse as nf, numpy as np
    /// >>> registry = nf.Registry()
    /// >>> _ = registry.register('cube_root', np.cbrt)
    /// >>> registry.unregister('cube_root')
    /// >>> len(registry)
    /// 0
    #[pyo3(signature = (name, /))]
    fn unregister(&self, name: &str) -> PyResult<()> {
        guarded(|| match self.registry().remove(&normalised(name)) {
            true => Ok(()),
            false => Err(pyo3::exceptions::PyKeyError::new_err(name.to_owned())),
        })
    }

    /// The names of the registry's own functions, sorted.
    fn names<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        guarded(|| PyTuple::new(py, self.registry().own().iter().map(|function| function.name.to_string())))
    }

    fn __contains__(&self, name: &Bound<'_, PyAny>) -> PyResult<bool> {
        let Ok(name) = name.extract::<String>() else { return Ok(false) };
        guarded(|| Ok(self.registry().own().iter().any(|function| function.name == normalised(&name))))
    }

    fn __len__(&self) -> PyResult<usize> {
        guarded(|| Ok(self.registry().own().len()))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.names(py)?.try_iter()?.into_any())
    }

    fn __repr__(&self) -> PyResult<String> {
        guarded(|| {
            let functions = self.registry().own();
            let plural = if functions.len() == 1 { "" } else { "s" };
            Ok(format!("<numfuse.Registry of {} function{plural}>", functions.len()))
        })
    }
}

impl RegistryObject {
    fn registry(&self) -> &Registry {
        &self.0.0
    }

    /// The registry that an option `functions=` names.
    pub(super) fn of_option(value: &Bound<'_, PyAny>) -> PyResult<Option<Functions>> {
        if value.is_none() {
            return Ok(None);
        }
        match value.cast::<RegistryObject>() {
            // The engine's own by its name: one kernel for both.
            Ok(object) if Arc::ptr_eq(&object.get().0.0, Registry::global()) => Ok(None),
            Ok(object) => Ok(Some(object.get().0.clone())),
            Err(_) => {
                let message = format!("functions must be a numfuse.Registry, not {}", value.get_type().name()?);
                Err(PyTypeError::new_err(message))
            }
        }
    }

    fn params(&self, py: Python<'_>, params: Vec<ParamText>) -> PyResult<Vec<Param>> {
        let param = |(name, default): ParamText| {
            let failed = |diagnostics, text: &str| exception(py, Error::Report(Report::new(text.into(), diagnostics)));
            let default = default.map(|text| {
                Expression::defined(&text, &Limits::default(), Registry::builtin())
                    .map_err(|error| failed(error, &text))
            });
            Ok(Param { default: default.transpose()?, ..Param::required(name) })
        };
        params.into_iter().map(param).collect()
    }

    fn add(&self, function: Function, replace: bool) -> PyResult<()> {
        self.registry().add(function, replace).map_err(|known| {
            let name = &known.name;
            PyValueError::new_err(format!("'{name}' is already registered; replace=True puts this in its place"))
        })
    }
}

/// A name as the language compares it.
fn normalised(name: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    name.nfkc().collect()
}

fn function(name: &str, params: Vec<Param>, doc: String, reference: String, body: Body) -> Function {
    Function {
        name: name.to_owned().into(),
        aliases: &[],
        params,
        doc: doc.into(),
        accuracy: Accuracy::Unknown,
        reference: reference.into(),
        body,
        of_complex: None,
        of_time: None,
    }
}

/// What may be done with calls of a function on any thread, or only on the caller's.
fn effects(pure: bool, thread_safe: bool, any_thread: bool) -> Effects {
    let concurrency = match (thread_safe, any_thread && pure) {
        (false, _) => Concurrency::Exclusive,
        (true, false) => Concurrency::Caller,
        (true, true) => Concurrency::Any,
    };
    Effects { pure, concurrency }
}

/// A reference that a callee holds. It is given up where the GIL is held, or later, when it is next:
/// a callee may die under a lock, or on any thread.
fn owner(object: &Bound<'_, PyAny>) -> Owner {
    if object.is_none() { None } else { Some(Arc::new(object.clone().unbind())) }
}

fn code(code: &str) -> PyResult<DType> {
    let lane = DType::parse(code).filter(|dtype| dtype.is_lane());
    lane.ok_or_else(|| PyValueError::new_err(format!("'{code}' is no supported dtype")))
}

fn codes(codes: &[String]) -> PyResult<Vec<DType>> {
    codes.iter().map(|text| code(text)).collect()
}

fn too_many(count: usize) -> PyErr {
    let most = native::MOST_PARAMS;
    PyValueError::new_err(format!("the function has {count} parameters, and at most {most} are supported"))
}

/// A C function that is called once an element, with constants behind the arguments.
#[pyfunction]
#[pyo3(signature = (name, address, params, constants, result, pure, thread_safe, owner, /))]
#[expect(clippy::too_many_arguments, reason = "the parts of a row")]
pub(super) fn _scalar_function(
    name: &str,
    address: usize,
    params: Vec<String>,
    constants: Vec<(String, i64)>,
    result: &str,
    pure: bool,
    thread_safe: bool,
    owner: &Bound<'_, PyAny>,
) -> PyResult<CalleeObject> {
    guarded(|| {
        let constant = |(text, value): &(String, i64)| Ok(Scalar::int(code(text)?, (*value).into()));
        let constants = constants.iter().map(constant).collect::<PyResult<Vec<_>>>()?;
        let effects = effects(pure, thread_safe, true);
        let (params, result) = (codes(&params)?, code(result)?);
        // SAFETY: whoever registers an address answers for it and its signature, as everywhere in Python.
        let callee = unsafe { native::scalar(name, address, params, constants, result, effects, self::owner(owner)) };
        Ok(CalleeObject(Arc::new(callee)))
    })
}

/// A C function over packed elements: `void f(size_t n, const A *a, ..., R *out)`.
#[pyfunction]
#[pyo3(signature = (name, address, params, result, pure, thread_safe, owner, /))]
pub(super) fn _block_function(
    name: &str,
    address: usize,
    params: Vec<String>,
    result: &str,
    pure: bool,
    thread_safe: bool,
    owner: &Bound<'_, PyAny>,
) -> PyResult<CalleeObject> {
    guarded(|| {
        let effects = effects(pure, thread_safe, true);
        let (params, result) = (codes(&params)?, code(result)?);
        if params.len() > native::MOST_PARAMS {
            return Err(too_many(params.len()));
        }
        // SAFETY: as above.
        let callee = unsafe { native::block(name, address, params, result, effects, self::owner(owner)) };
        Ok(CalleeObject(Arc::new(callee)))
    })
}

/// One output of each inner loop of a ufunc whose types are supported, in the ufunc's order.
#[pyfunction]
#[pyo3(signature = (name, ufunc, output, pure, thread_safe, owner, /))]
pub(super) fn _ufunc_loops(
    name: &str,
    ufunc: &Bound<'_, PyAny>,
    output: usize,
    pure: bool,
    thread_safe: bool,
    owner: &Bound<'_, PyAny>,
) -> PyResult<Vec<CalleeObject>> {
    guarded(|| {
        let py = ufunc.py();
        if !ufunc.is_instance(&py.import("numpy")?.getattr("ufunc")?)? {
            return Err(PyTypeError::new_err("not a ufunc"));
        }
        let mut callees = Vec::new();
        // SAFETY: an instance of ufunc has this struct (NumPy's public header), and is alive; each of its
        // tables has `ntypes` entries, that of types one for each argument of each loop.
        unsafe {
            let fields = &(*ufunc.as_ptr().cast::<PyUFuncObject>()).fields;
            let [nin, nout, ntypes] = [fields.nin, fields.nout, fields.ntypes].map(|n| usize::try_from(n).unwrap_or(0));
            if nin > native::MOST_PARAMS || nout > native::MOST_PARAMS {
                return Err(too_many(nin.max(nout)));
            }
            if output >= nout || fields.functions.is_null() || fields.types.is_null() {
                return Ok(Vec::new());
            }
            for index in 0..ntypes {
                let number = |argument: usize| *fields.types.add(index * (nin + nout) + argument);
                let lane = |argument: usize| dtype_of_number(number(argument).into()).filter(|dtype| dtype.is_lane());
                let types: Option<Vec<DType>> = (0..nin + nout).map(lane).collect();
                let (Some(mut inputs), Some(function)) = (types, *fields.functions.add(index)) else { continue };
                let outputs = inputs.split_off(nin);
                let data = if fields.data.is_null() { 0 } else { *fields.data.add(index) as usize };
                let loop_ = UfuncLoop { function: function as usize, data, inputs, outputs, output };
                let effects = effects(pure, thread_safe, false);
                callees.push(native::ufunc(name, loop_, pending, effects, self::owner(owner)));
            }
        }
        Ok(callees.into_iter().map(|callee| CalleeObject(Arc::new(callee))).collect())
    })
}

thread_local! {
    /// The chunks since this thread last asked for the time, and when it last took the GIL to look for
    /// an exception.
    static LOOKED: Cell<(u32, Option<Instant>)> = const { Cell::new((0, None)) };
}

/// The GIL is taken for looking at most this often: another thread may keep it for milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The time is asked for after so many chunks.
const CHUNKS: u32 = 16;

/// The exception that a ufunc's loop raised. One that is not seen here is seen when the call ends
/// ([`left_behind`]), or before Python code runs.
fn pending() -> Option<Failure> {
    // SAFETY: may be called without the GIL.
    let holds_gil = unsafe { ffi::PyGILState_Check() == 1 };
    if !holds_gil {
        let (chunks, last) = LOOKED.get();
        if chunks < CHUNKS {
            LOOKED.set((chunks + 1, last));
            return None;
        }
        let now = Instant::now();
        if last.is_some_and(|last| now.duration_since(last) < LOOK_EVERY) {
            LOOKED.set((0, last));
            return None;
        }
        LOOKED.set((0, Some(now)));
    }
    Python::try_attach(PyErr::take).flatten().map(|error| Failure(Arc::new(error)))
}

/// The exception that functions of a kernel raised while nobody looked.
pub(super) fn left_behind(py: Python<'_>) -> PyResult<()> {
    if PyErr::occurred(py) { Err(PyErr::fetch(py)) } else { Ok(()) }
}

/// A Python callable, called once an element with Python's own numbers.
#[pyfunction]
#[pyo3(signature = (name, callable, params, result, pure, thread_safe, /))]
pub(super) fn _python_function(
    name: &str,
    callable: Py<PyAny>,
    params: Vec<String>,
    result: &str,
    pure: bool,
    thread_safe: bool,
) -> PyResult<CalleeObject> {
    guarded(|| {
        let effects = effects(pure, thread_safe, false);
        let (params, result) = (codes(&params)?, code(result)?);
        let arity = params.len();
        if arity > native::MOST_PARAMS {
            return Err(too_many(arity));
        }
        let run = move |chunk: &mut Chunk<'_>| {
            let run = |py: Python<'_>| {
                left_behind(py)?;
                let callable = callable.bind(py);
                for element in 0..chunk.len() {
                    let args = (0..arity).map(|argument| number(py, chunk.arg(argument, element)));
                    let args = PyTuple::new(py, args.collect::<PyResult<Vec<_>>>()?)?;
                    let value = callable.call1(args)?;
                    chunk.set(element, scalar(&value, result)?);
                }
                Ok(())
            };
            let finalising = || Err(PyRuntimeError::new_err("the interpreter is shutting down"));
            let result = Python::try_attach(run).unwrap_or_else(finalising);
            result.map_err(|error| Failure(Arc::new(error)))
        };
        Ok(CalleeObject(Arc::new(native::chunked(name, params, result, effects, run))))
    })
}

/// An element as Python's own number.
fn number<'py>(py: Python<'py>, value: Scalar) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value.dtype {
        DType::Bool => PyBool::new(py, value.as_int() != 0).to_owned().into_any(),
        dtype if dtype.is_float() => PyFloat::new(py, value.as_f64()).into_any(),
        _ => value.as_int().into_pyobject(py)?.into_any(),
    })
}

/// What a Python callable returned, as an element.
fn scalar(value: &Bound<'_, PyAny>, dtype: DType) -> PyResult<Scalar> {
    if dtype == DType::Bool {
        return Ok(Scalar::bool(value.is_truthy()?));
    }
    if dtype.is_float() {
        return Ok(Scalar::of(dtype, value.extract::<f64>()?));
    }
    // Of NumPy's and Python's integers, what operator.index gives.
    let value = match value.is_exact_instance_of::<PyInt>() {
        true => value.clone(),
        false => value.py().import("operator")?.call_method1("index", (value,))?,
    };
    let (lowest, highest) = dtype.int_range();
    match value.extract::<i128>() {
        Ok(integer) if (lowest..=highest).contains(&integer) => Ok(Scalar::int(dtype, integer)),
        _ => Err(PyOverflowError::new_err(format!("Python integer {value} out of bounds for {dtype}"))),
    }
}

/// The name, the pointer and the context of a capsule.
#[pyfunction]
#[pyo3(signature = (capsule, /))]
pub(super) fn _capsule(capsule: &Bound<'_, PyAny>) -> PyResult<(Option<String>, usize, usize)> {
    let py = capsule.py();
    // SAFETY: the GIL is held; the first check says that it is a capsule. Its name, if it has one, ends with
    // a zero and belongs to whoever made the capsule, as does the pointer.
    unsafe {
        if ffi::PyCapsule_CheckExact(capsule.as_ptr()) == 0 {
            return Err(PyTypeError::new_err("not a capsule"));
        }
        let name = ffi::PyCapsule_GetName(capsule.as_ptr());
        let pointer = ffi::PyCapsule_GetPointer(capsule.as_ptr(), name);
        let context = ffi::PyCapsule_GetContext(capsule.as_ptr());
        if PyErr::occurred(py) {
            return Err(PyErr::fetch(py));
        }
        let name = (!name.is_null()).then(|| std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned());
        Ok((name, pointer as usize, context as usize))
    }
}

/// Adds the classes and functions to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<RegistryObject>()?;
    module.add_class::<CalleeObject>()?;
    module.add_function(wrap_pyfunction!(_scalar_function, module)?)?;
    module.add_function(wrap_pyfunction!(_block_function, module)?)?;
    module.add_function(wrap_pyfunction!(_ufunc_loops, module)?)?;
    module.add_function(wrap_pyfunction!(_python_function, module)?)?;
    module.add_function(wrap_pyfunction!(_capsule, module)?)
}
