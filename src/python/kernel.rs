//! The type `numfuse.Kernel`, made by hand because its calls take the vectorcall path.

use super::call::call;
use super::error::{exception, guarded};
use super::held::Held;
use super::options::{self, Given};
use crate::diagnostic::Error;
use crate::engine::{Engine, Kernel, Options};
use crate::syntax::Limits;
use crate::syntax::ast::Name;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi::{self, PyObject};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple, PyType};
use smallvec::SmallVec;
use std::cell::{OnceCell, UnsafeCell};
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::mem::{ManuallyDrop, offset_of};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// A kernel as a Python object. Immutable, but for what is made when it is first asked for.
#[repr(C)]
pub(super) struct KernelObject {
    head: UnsafeCell<PyObject>,
    vectorcall: ffi::vectorcallfunc,
    weak_references: UnsafeCell<*mut PyObject>,
    fields: ManuallyDrop<Fields>,
}

struct Fields {
    kernel: Arc<Kernel>,
    options: Options,
    /// The arguments' names, interned, so that those of call sites are the same objects.
    names: Vec<Held>,
    /// Is any argument updated in place?
    updates: bool,
    /// If there is one output only: the argument that is updated in place, or none.
    only_output: Option<Option<usize>>,
    /// The class of several outputs.
    result_class: OnceCell<Held>,
}

static TYPE: PyOnceLock<Py<PyType>> = PyOnceLock::new();

/// The living object of each kernel, by the addresses of both: the same kernel is the same object.
/// Objects enter and leave under the GIL.
static LIVING: LazyLock<Mutex<HashMap<usize, usize>>> = LazyLock::new(Mutex::default);

/// The kernel of a text, as an object; the GIL is released while it is compiled.
pub(super) fn compile<'py>(py: Python<'py>, text: &str, options: &Options) -> PyResult<Bound<'py, PyAny>> {
    let kernel = py.detach(|| Engine::global().compile(text, options)).map_err(|error| exception(py, error))?;
    let key = Arc::as_ptr(&kernel) as usize;
    let living = || LIVING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(&object) = living().get(&key) {
        // SAFETY: an object leaves the map before it dies, under the GIL, which is held.
        return Ok(unsafe { Bound::from_borrowed_ptr(py, object as *mut PyObject) });
    }
    let names = kernel.arguments().iter().map(|name| Held::new(PyString::intern(py, name))).collect();
    let updates = (0..kernel.arguments().len()).any(|argument| kernel.is_target(argument));
    let only_output = match kernel.outputs() {
        [output] => Some(output.target),
        _ => None,
    };
    let ty = TYPE.get(py).ok_or_else(|| PyRuntimeError::new_err("numfuse is not imported"))?;
    let fields =
        Fields { kernel, options: options.clone(), names, updates, only_output, result_class: OnceCell::new() };
    // SAFETY: `tp_alloc` gives memory of the type's size with its header; every other field is
    // written before anybody sees the object.
    let object = unsafe {
        let ty = ty.as_ptr().cast::<ffi::PyTypeObject>();
        let Some(alloc) = (*ty).tp_alloc else { return Err(PyRuntimeError::new_err("no allocator")) };
        let object = alloc(ty, 0);
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        let kernel = object.cast::<KernelObject>();
        (&raw mut (*kernel).vectorcall).write(vectorcall);
        (&raw mut (*kernel).weak_references).write(UnsafeCell::new(std::ptr::null_mut()));
        (&raw mut (*kernel).fields).write(ManuallyDrop::new(fields));
        Bound::from_owned_ptr(py, object)
    };
    living().insert(key, object.as_ptr() as usize);
    Ok(object)
}

impl KernelObject {
    /// The object behind a reference.
    ///
    /// # Safety
    /// `object` is an instance of `numfuse.Kernel`, and alive for `'a`.
    #[inline]
    pub(super) unsafe fn of<'a>(object: *mut PyObject) -> &'a KernelObject {
        // SAFETY: the caller's word; what Python changes behind a shared reference, the reference
        // count and the list of weak references, is in cells.
        unsafe { &*object.cast() }
    }

    #[inline]
    pub(super) fn kernel(&self) -> &Kernel {
        &self.fields.kernel
    }

    /// The kernel that an object is.
    pub(super) fn from_bound<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<&'a KernelObject> {
        let ty = TYPE.get(object.py()).ok_or_else(|| PyRuntimeError::new_err("numfuse is not imported"))?;
        if !object.is_exact_instance(ty.bind(object.py())) {
            return Err(PyTypeError::new_err("not a kernel"));
        }
        // SAFETY: an instance of the type, alive as long as the reference.
        Ok(unsafe { KernelObject::of(object.as_ptr()) })
    }

    /// The bounds on the text.
    pub(super) fn limits(&self) -> &Limits {
        &self.fields.options.limits
    }

    /// The arguments' names, interned.
    #[inline]
    pub(super) fn names(&self) -> &[Held] {
        &self.fields.names
    }

    /// If there is one output only: the argument that is updated in place, or none.
    #[inline]
    pub(super) fn only_output(&self) -> Option<Option<usize>> {
        self.fields.only_output
    }

    #[inline]
    pub(super) fn updates(&self) -> bool {
        self.fields.updates
    }

    /// The class of several outputs.
    pub(super) fn result_class(&self, py: Python<'_>) -> PyResult<&Held> {
        if let Some(class) = self.fields.result_class.get() {
            return Ok(class);
        }
        let names = PyTuple::new(py, self.kernel().outputs().iter().map(|output| &*output.name))?;
        let class = py.import("numfuse._outputs")?.call_method1("outputs_class", (names,))?;
        // While Python ran, another thread may have got here first.
        Ok(self.fields.result_class.get_or_init(|| Held::new(class)))
    }
}

unsafe extern "C" fn vectorcall(
    callable: *mut PyObject,
    args: *const *mut PyObject,
    nargsf: usize,
    kwnames: *mut PyObject,
) -> *mut PyObject {
    // SAFETY: Python calls this with the GIL held, an instance of the type, and `nargs` arguments
    // followed by one for each of the names; all stay alive until it returns.
    unsafe {
        let py = Python::assume_attached();
        let result = guarded(|| {
            let kernel = KernelObject::of(callable);
            let positional = ffi::PyVectorcall_NARGS(nargsf) as usize;
            if kwnames.is_null() && positional == kernel.names().len() {
                let args = if positional == 0 { &[][..] } else { std::slice::from_raw_parts(args, positional) };
                return call(py, kernel, args, &Given::default());
            }
            let keywords = if kwnames.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(kwnames) as usize };
            let args = if positional + keywords == 0 {
                &[][..]
            } else {
                std::slice::from_raw_parts(args, positional + keywords)
            };
            call_with_keywords(py, kernel, args, positional, kwnames)
        });
        match result {
            Ok(object) => object,
            Err(error) => {
                error.restore(py);
                std::ptr::null_mut()
            }
        }
    }
}

/// # Safety
/// `kwnames` is null or a tuple of `args.len() - positional` strings.
#[inline]
unsafe fn call_with_keywords(
    py: Python<'_>,
    kernel: &KernelObject,
    args: &[*mut PyObject],
    positional: usize,
    kwnames: *mut PyObject,
) -> PyResult<*mut PyObject> {
    let names = kernel.names();
    if positional > names.len() {
        return Err(PyTypeError::new_err(format!(
            "the kernel takes {} positional argument{} but {positional} {} given",
            names.len(),
            if names.len() == 1 { "" } else { "s" },
            if positional == 1 { "was" } else { "were" }
        )));
    }
    let mut given = Given::default();
    let mut objects = SmallVec::<[*mut PyObject; 16]>::new();
    objects.extend_from_slice(&args[..positional]);
    objects.resize(names.len(), std::ptr::null_mut());
    for (index, &value) in args[positional..].iter().enumerate() {
        // SAFETY: the names are as many as the values, by the caller's word; `value` is alive.
        let (name, value) =
            unsafe { (ffi::PyTuple_GET_ITEM(kwnames, index as isize), Bound::from_borrowed_ptr(py, value)) };
        // SAFETY: `name` is a live str, which the tuple holds.
        match unsafe { find(py, kernel, name, positional + index) } {
            Some(Meaning::Option(option)) => given.set(option, &value)?,
            Some(Meaning::Argument(argument)) => {
                if !objects[argument].is_null() {
                    let name = &kernel.kernel().arguments()[argument];
                    return Err(PyTypeError::new_err(format!("got multiple values for argument '{name}'")));
                }
                objects[argument] = value.as_ptr();
            }
            None => {
                // SAFETY: as above.
                let name = unsafe { Bound::from_borrowed_ptr(py, name) };
                return Err(PyTypeError::new_err(format!("got an unexpected keyword argument '{name}'")));
            }
        }
    }
    if objects.contains(&std::ptr::null_mut()) {
        return Err(missing(kernel.kernel(), &objects));
    }
    // SAFETY: one object for each argument, each alive, by the word of `vectorcall`'s caller.
    unsafe { call(py, kernel, &objects, &given) }
}

/// What a keyword of a call means.
enum Meaning {
    Option(usize),
    Argument(usize),
}

/// What a keyword means; arguments are likely to come in their order. An argument that has the
/// name of an option is positional-only.
///
/// # Safety
/// `name` is a live str.
#[inline]
unsafe fn find(py: Python<'_>, kernel: &KernelObject, name: *mut PyObject, likely: usize) -> Option<Meaning> {
    // SAFETY: the caller's word.
    unsafe {
        if let Some(option) = options::position(py, name, options::OF_CALLS) {
            return Some(Meaning::Option(option));
        }
        let names = kernel.names();
        if names.get(likely).is_some_and(|own| own.as_ptr() == name) {
            return Some(Meaning::Argument(likely));
        }
        if let Some(argument) = names.iter().position(|own| own.as_ptr() == name) {
            return Some(Meaning::Argument(argument));
        }
        // A string that was not interned.
        if let Some(option) = options::position_by_text(py, name, options::OF_CALLS) {
            return Some(Meaning::Option(option));
        }
        options::argument_by_text(py, kernel.kernel().arguments(), name).map(Meaning::Argument)
    }
}

#[cold]
fn missing(kernel: &Kernel, objects: &[*mut PyObject]) -> PyErr {
    let names: Vec<_> = kernel.arguments().iter().zip(objects).filter(|(_, object)| object.is_null()).collect();
    let list = names.iter().map(|(name, _)| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let plural = if names.len() == 1 { "" } else { "s" };
    let option = names.iter().find(|(name, _)| options::NAMES[..options::OF_CALLS].contains(&&***name));
    let hint = option.map_or(String::new(), |(name, _)| {
        format!(" ('{name}' is an option of calls, so the argument of that name is positional-only)")
    });
    PyTypeError::new_err(format!("missing argument{plural} {list}{hint}"))
}

unsafe extern "C" fn dealloc(object: *mut PyObject) {
    // SAFETY: Python calls this with the GIL held when the last reference is gone; the fields were
    // written when the object was made and are dropped here only.
    unsafe {
        let kernel = object.cast::<KernelObject>();
        let fields = ManuallyDrop::take(&mut (*kernel).fields);
        let key = Arc::as_ptr(&fields.kernel) as usize;
        // First of all, so that nobody finds the dying object: what follows runs other code.
        LIVING.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        if !(*kernel).weak_references.get().read().is_null() {
            ffi::PyObject_ClearWeakRefs(object);
        }
        // The last holder of a kernel frees its code.
        let _ = guarded(|| {
            drop(fields);
            Ok(())
        });
        let ty = ffi::Py_TYPE(object);
        if let Some(free) = (*ty).tp_free {
            free(object.cast());
        }
        // An instance of a heap type holds its type.
        ffi::Py_DECREF(ty.cast());
    }
}

type Getter = for<'py> fn(Python<'py>, &KernelObject) -> PyResult<Bound<'py, PyAny>>;

/// The getter of every attribute; the attribute's own function is the closure.
unsafe extern "C" fn get(object: *mut PyObject, getter: *mut c_void) -> *mut PyObject {
    // SAFETY: Python calls this with the GIL held, an instance of the type and the closure of the
    // table below, which is a `Getter`.
    unsafe {
        let py = Python::assume_attached();
        let getter = std::mem::transmute::<*mut c_void, Getter>(getter);
        finish(py, guarded(|| getter(py, KernelObject::of(object))))
    }
}

unsafe extern "C" fn repr(object: *mut PyObject) -> *mut PyObject {
    // SAFETY: Python calls this with the GIL held and an instance of the type.
    unsafe {
        let py = Python::assume_attached();
        finish(py, guarded(|| repr_of(py, KernelObject::of(object))))
    }
}

unsafe extern "C" fn reduce(object: *mut PyObject, _: *mut PyObject) -> *mut PyObject {
    // SAFETY: Python calls this with the GIL held and an instance of the type.
    unsafe {
        let py = Python::assume_attached();
        finish(py, guarded(|| reduced(py, KernelObject::of(object))))
    }
}

/// Gives a result to Python.
pub(super) fn finish(py: Python<'_>, result: PyResult<Bound<'_, PyAny>>) -> *mut PyObject {
    match result {
        Ok(object) => object.into_ptr(),
        Err(error) => {
            error.restore(py);
            std::ptr::null_mut()
        }
    }
}

fn args<'py>(py: Python<'py>, kernel: &KernelObject) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyTuple::new(py, kernel.names().iter().map(|name| name.bind(py)))?.into_any())
}

fn outputs<'py>(py: Python<'py>, kernel: &KernelObject) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyTuple::new(py, kernel.kernel().outputs().iter().map(|output| &*output.name))?.into_any())
}

fn expression<'py>(py: Python<'py>, kernel: &KernelObject) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyString::new(py, kernel.kernel().text()).into_any())
}

fn signatures<'py>(py: Python<'py>, kernel: &KernelObject) -> PyResult<Bound<'py, PyAny>> {
    Ok(PyTuple::new(py, kernel.kernel().signatures())?.into_any())
}

fn signature<'py>(py: Python<'py>, kernel: &KernelObject) -> PyResult<Bound<'py, PyAny>> {
    py.import("numfuse._signature")?.call_method1(intern!(py, "signature"), (args(py, kernel)?,))
}

/// Characters of a text that `repr` shows at most.
const SHOWN: usize = 100;

fn repr_of<'py>(py: Python<'py>, kernel: &KernelObject) -> PyResult<Bound<'py, PyAny>> {
    let list = |names: &mut dyn Iterator<Item = &Name>| names.map(|name| &**name).collect::<Vec<_>>().join(", ");
    let arguments = list(&mut kernel.kernel().arguments().iter());
    let outputs = list(&mut kernel.kernel().outputs().iter().map(|output| &output.name));
    let text = kernel.kernel().text();
    let shown = match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    };
    let shown = PyString::new(py, &shown).repr()?;
    let shown = format!("<numfuse.Kernel ({arguments}) -> {outputs}: {}>", shown.to_str()?);
    Ok(PyString::new(py, &shown).into_any())
}

/// A kernel is pickled as its text and its options.
fn reduced<'py>(py: Python<'py>, kernel: &KernelObject) -> PyResult<Bound<'py, PyAny>> {
    let Options { args, fastmath, limits, functions, .. } = &kernel.fields.options;
    if functions.is_some() {
        let message = "a kernel with a registry of its own cannot be pickled: functions have addresses, which mean \
                       nothing in another process; pickle its text, and compile that there";
        return Err(PyTypeError::new_err(message));
    }
    let args = args.as_ref().map(|args| PyTuple::new(py, args.iter().map(|name| &**name))).transpose()?;
    let limits = (limits.characters, limits.nodes, limits.depth);
    let flags = [(fastmath.contract, "contract"), (fastmath.afn, "afn")];
    let flags: Vec<&str> = flags.into_iter().filter(|(allowed, _)| *allowed).map(|(_, name)| name).collect();
    let state = (kernel.kernel().text(), args, flags, limits);
    let restore = py.import("numfuse._core")?.getattr("_restore_kernel")?;
    Ok((restore, state).into_pyobject(py)?.into_any())
}

const DOC: &str = "A compiled expression: call it with its arguments, by position or by name.

    kernel(*arguments, out=None, where=True, casting='same_kind', order='K', dtype=None)

Made by numfuse.compile; cannot be made or subclassed otherwise. Arguments are NumPy arrays of
any strides and byte order, NumPy's and Python's numbers (an int, a float and a bool keep their
meaning in NumPy's promotion), or what numpy.asarray makes an array of. They are broadcast
together. dtypes are bool, int8 to int64, uint8 to uint64, float32 and float64. An argument that
has the name of an option is positional-only.

The options are those of NumPy's functions. out is an array, a tuple of arrays in the order of
the outputs, or a mapping from the outputs' names; what it does not give, or gives as None, is
allocated. where is an array of bools, which is broadcast with each output: where it is False,
arrays that were given or are updated in place keep their elements, and allocated ones have zeros.
All is computed for every element nevertheless: functions are called, and errors found. casting
says which casts the stores may make; order and dtype are of allocated outputs.

One output is returned bare, several as a named tuple. Without dimensions it is a NumPy scalar,
unless the array was given. What is updated in place, or given by out, is returned as that same
object.

Errors: a TypeError for missing, unknown or unsuitable arguments and forbidden casts; a
ValueError for shapes that do not broadcast together and arrays that are read-only; an
ExprTypeError or ExprOverflowError, with the place, for types that an operation does not take.

Kernels can be pickled, as text and options, but for those with functions=, and referenced weakly. The same text with the same
options is the same kernel.

>>> import numpy as np, numfuse as nf
>>> kernel = nf.compile('y += a*x')
>>> y = np.ones(3)
>>> kernel(y, 2.0, np.arange(3)) is y
True
>>> y
array([1., 3., 5.])
>>> kernel.args, kernel.outputs
(('y', 'a', 'x'), ('y',))
";

/// Makes the type and adds it to the module.
pub(super) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    let attribute = |name: &'static std::ffi::CStr, getter: Getter, doc: &'static std::ffi::CStr| ffi::PyGetSetDef {
        name: name.as_ptr(),
        get: Some(get),
        set: None,
        doc: doc.as_ptr(),
        closure: getter as *mut c_void,
    };
    // Tables that the type points to for as long as the process lives.
    let attributes = Box::leak(Box::new([
        attribute(c"args", args, c"The arguments' names, in order of their first occurrence in the text."),
        attribute(c"outputs", outputs, c"The outputs' names, in order of their first assignment."),
        attribute(c"expression", expression, c"The text."),
        attribute(c"signatures", signatures, c"The signatures compiled so far, such as 'f8(f8, float, i4)'."),
        attribute(c"__signature__", signature, c"What inspect.signature gives."),
        ffi::PyGetSetDef::default(),
    ]));
    let offset = |name: &'static std::ffi::CStr, offset: usize| ffi::PyMemberDef {
        name: name.as_ptr(),
        type_code: ffi::Py_T_PYSSIZET,
        offset: offset as isize,
        flags: ffi::Py_READONLY,
        doc: std::ptr::null(),
    };
    let members = Box::leak(Box::new([
        offset(c"__vectorcalloffset__", offset_of!(KernelObject, vectorcall)),
        offset(c"__weaklistoffset__", offset_of!(KernelObject, weak_references)),
        ffi::PyMemberDef::default(),
    ]));
    let methods = Box::leak(Box::new([
        ffi::PyMethodDef {
            ml_name: c"__reduce__".as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunction: reduce },
            ml_flags: ffi::METH_NOARGS,
            ml_doc: c"__reduce__($self, /)\n--\n\nHow a kernel is pickled: as its text and its options.".as_ptr(),
        },
        ffi::PyMethodDef::zeroed(),
    ]));
    let doc = super::error::c_string(DOC);
    let slot = |slot: c_int, pfunc: *mut c_void| ffi::PyType_Slot { slot, pfunc };
    let mut slots = [
        slot(ffi::Py_tp_dealloc, dealloc as *mut c_void),
        slot(ffi::Py_tp_call, ffi::PyVectorcall_Call as *mut c_void),
        slot(ffi::Py_tp_repr, repr as *mut c_void),
        slot(ffi::Py_tp_doc, doc.as_ptr().cast_mut().cast()),
        slot(ffi::Py_tp_getset, attributes.as_mut_ptr().cast()),
        slot(ffi::Py_tp_members, members.as_mut_ptr().cast()),
        slot(ffi::Py_tp_methods, methods.as_mut_ptr().cast()),
        slot(0, std::ptr::null_mut()),
    ];
    let mut spec = ffi::PyType_Spec {
        name: c"numfuse.Kernel".as_ptr(),
        basicsize: size_of::<KernelObject>() as c_int,
        itemsize: 0,
        flags: (ffi::Py_TPFLAGS_DEFAULT
            | ffi::Py_TPFLAGS_HAVE_VECTORCALL
            | ffi::Py_TPFLAGS_DISALLOW_INSTANTIATION
            | ffi::Py_TPFLAGS_IMMUTABLETYPE) as _,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: the GIL is held; the slots have the types that their numbers ask for; the documentation
    // is copied by Python, the other tables live for ever.
    let ty = unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyType_FromSpec(&mut spec))? };
    let ty =
        ty.cast_into::<PyType>().map_err(|_| PyRuntimeError::new_err(Error::Internal("type".into()).to_string()))?;
    let _ = TYPE.set(py, ty.clone().unbind());
    module.add("Kernel", ty)
}
