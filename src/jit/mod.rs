//! From the typed program to machine code in memory.
//!
//! # Code memory
//!
//! **Write xor execute.** A page is writable while one kernel's code is copied into it, and readable
//! and executable from then on, never both. The two states are a kernel's alone: pages are never
//! shared between kernels, so that writing one does not disturb another that is running.
//!
//! **Few mappings.** Linux bounds the mappings of a process (65,530 by default), and a mapping for
//! each kernel, or a protection that alternates from page to page, would reach the bound. So kernels
//! take pages from mappings of 1 MiB, and free pages have the same protection as used ones: a
//! mapping is one entry in the kernel's table, apart from the few pages that are being written just
//! now. A range of free pages is joined with its free neighbours; a mapping without users is
//! unmapped, unless it is the only such one.
//!
//! **Lifetime.** A [`Code`] owns its pages and what it calls. Whoever calls it holds it, for example
//! in an `Arc`; when the last holder drops it, its pages are free for the next kernel. Cranelift's
//! `JITModule`, which leaks by default, exists only while it writes: it gets its memory through
//! [`memory::Provider`], and the pages are taken out before it is dropped.
//!
//! **Fork.** Mappings are private: a child has its own copy, and both may go on compiling. The lock
//! of the arena is held across a fork, so that the child never inherits it locked.
//!
//! **No symbols.** Code has no relocations: it calls functions by addresses in its instructions, and
//! its constants lie behind it. What would need a library call of Cranelift's is an error (and does
//! not happen: see `codegen::clif::scalar` for what stands in). So nothing is ever looked up by name.
//!
//! # Safety
//! Calling [`Code::entry`] is up to the caller, who answers for pointers and strides as the contract
//! of [`Entry`] says. Everything else here is safe to use; `unsafe` in this module are the system
//! calls on pages that the arena owns, and the conversion of an address into a function.
#![allow(unsafe_code, reason = "executable memory")]

mod memory;

use crate::codegen::clif::{self, CodegenError, Target};
use crate::codegen::wide;
use crate::codegen::{Entry, Layout, Simd};
use crate::ir::{Callee, Inst, Program};
use cranelift::codegen::Context;
use cranelift::codegen::control::ControlPlane;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::Module;
use memory::{Pages, Provider};
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The compiler for this machine.
#[derive(Clone, Debug)]
pub struct Jit {
    target: Target,
}

/// One loop's machine code: immutable, callable from any thread.
pub struct Code {
    /// Essential: the address of the code is in these pages.
    pages: Pages,
    entry: usize,
    size: usize,
    /// Essential: the code calls these by address.
    callees: Vec<Arc<Callee>>,
}

thread_local! {
    /// Cranelift's working memory, kept from one compilation to the next.
    static CONTEXT: Cell<Option<Box<Context>>> = const { Cell::new(None) };
}

/// The alignment of code of [`wide`]: that of its constants.
const WIDE_ALIGN: u64 = 64;

/// Functions of more code than this don't leave their working memory to the next.
const LARGE: usize = 1 << 16;

impl Jit {
    /// A compiler for the machine that runs this process.
    pub fn new() -> Result<Jit, CodegenError> {
        Ok(Jit { target: Target::host()? })
    }

    /// A compiler for a target whose instructions this machine has, such as the same with fewer
    /// features.
    ///
    /// # Safety
    /// Code for a target that this machine is not must not be called.
    pub unsafe fn for_target(target: Target) -> Jit {
        Jit { target }
    }

    /// The process's compiler, made at first use.
    pub fn global() -> Result<&'static Jit, CodegenError> {
        static JIT: OnceLock<Result<Jit, CodegenError>> = OnceLock::new();
        JIT.get_or_init(Jit::new).as_ref().map_err(Clone::clone)
    }

    /// The machine that code is generated for.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Compiles a loop for the layouts of the program's operands.
    pub fn compile(
        &self,
        program: &Program,
        loop_index: usize,
        layouts: &[Layout],
        simd: Simd,
    ) -> Result<Code, CodegenError> {
        let insts = program.loops.get(loop_index).map_or(&[][..], |body| &body.insts);
        let callees = insts.iter().filter_map(|inst| match inst {
            Inst::Call(callee, _) => Some(callee.clone()),
            _ => None,
        });
        let callees = callees.collect();
        with_context(|context| {
            clif::lower(program, loop_index, layouts, simd, &self.target, context)?;
            assemble(&self.target, context)?;
            let code = context.compiled_code().ok_or_else(|| CodegenError("nothing was compiled".into()))?;
            if let Some(relocation) = code.buffer.relocs().first() {
                return Err(CodegenError(format!("the code refers to {:?}", relocation.target)));
            }
            self.place(code.code_buffer(), code.buffer.alignment as u64, callees)
        })
    }

    /// Compiles a loop to vectors of the level's width; `None` where it has what these lack (see
    /// [`wide::LACKING`]).
    pub fn compile_wide(
        &self,
        program: &Program,
        loop_index: usize,
        layouts: &[Layout],
        level: wide::Level,
    ) -> Result<Option<Code>, CodegenError> {
        let code = catch_unwind(AssertUnwindSafe(|| wide::lower(program, loop_index, layouts, level)));
        match code {
            Ok(Ok(bytes)) => self.place(&bytes, WIDE_ALIGN, Vec::new()).map(Some),
            Ok(Err(_)) => Ok(None),
            Err(_) => Err(CodegenError("internal error in code generation, you have found a bug".into())),
        }
    }

    /// Puts finished machine code into memory.
    fn place(&self, bytes: &[u8], align: u64, callees: Vec<Arc<Callee>>) -> Result<Code, CodegenError> {
        let error = |error: cranelift_module::ModuleError| CodegenError(error.to_string());
        let slot = Arc::new(Mutex::new(None));
        let mut builder = JITBuilder::with_isa(self.target.isa().clone(), Box::new(|call| call.to_string()));
        builder.memory_provider(Box::new(Provider { slot: slot.clone() }));
        let mut module = JITModule::new(builder);
        let id = module.declare_anonymous_function(&self.target.entry_signature()).map_err(error)?;
        module.define_function_bytes(id, align, bytes, &[]).map_err(error)?;
        module.finalize_definitions().map_err(error)?;
        let entry = module.get_finalized_function(id) as usize;
        let pages = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let pages = pages.ok_or_else(|| CodegenError("the code has no memory".into()))?;
        Ok(Code { pages, entry, size: bytes.len(), callees })
    }

    /// The CLIF of a loop.
    pub fn clif_text(
        &self,
        program: &Program,
        loop_index: usize,
        layouts: &[Layout],
        simd: Simd,
    ) -> Result<String, CodegenError> {
        clif_text(&self.target, program, loop_index, layouts, simd)
    }

    /// The machine code of a loop, disassembled.
    pub fn asm_text(
        &self,
        program: &Program,
        loop_index: usize,
        layouts: &[Layout],
        simd: Simd,
    ) -> Result<String, CodegenError> {
        asm_text(&self.target, program, loop_index, layouts, simd)
    }
}

/// The CLIF of a loop for a target.
pub fn clif_text(
    target: &Target,
    program: &Program,
    loop_index: usize,
    layouts: &[Layout],
    simd: Simd,
) -> Result<String, CodegenError> {
    with_context(|context| {
        clif::lower(program, loop_index, layouts, simd, target, context)?;
        Ok(context.func.display().to_string())
    })
}

/// The machine code of a loop for a target, as Cranelift prints it.
pub fn asm_text(
    target: &Target,
    program: &Program,
    loop_index: usize,
    layouts: &[Layout],
    simd: Simd,
) -> Result<String, CodegenError> {
    with_context(|context| {
        clif::lower(program, loop_index, layouts, simd, target, context)?;
        context.set_disasm(true);
        assemble(target, context)?;
        let text = context.compiled_code().and_then(|code| code.vcode.clone());
        text.ok_or_else(|| CodegenError("no disassembly".into()))
    })
}

/// Machine code for the function in the context.
fn assemble(target: &Target, context: &mut Context) -> Result<(), CodegenError> {
    match context.compile(&**target.isa(), &mut ControlPlane::default()) {
        Ok(_) => Ok(()),
        Err(error) => Err(CodegenError(format!("{:?}", error.inner))),
    }
}

/// Lends the thread's context. A panic of Cranelift's becomes an error.
fn with_context<T>(work: impl FnOnce(&mut Context) -> Result<T, CodegenError>) -> Result<T, CodegenError> {
    let mut context = CONTEXT.take().unwrap_or_else(|| Box::new(Context::new()));
    let result = catch_unwind(AssertUnwindSafe(|| work(&mut context)));
    let Ok(result) = result else {
        return Err(CodegenError("internal error in code generation, you have found a bug".into()));
    };
    if context.compiled_code().is_none_or(|code| code.code_buffer().len() < LARGE) {
        context.clear();
        CONTEXT.set(Some(context));
    }
    result
}

impl Code {
    /// The code as a function. It may be called while this `Code` lives.
    pub fn entry(&self) -> Entry {
        // SAFETY: the address is the beginning of a function that was generated with the signature
        // and calling convention of `Entry`, in pages that are executable while `self` lives.
        unsafe { std::mem::transmute::<usize, Entry>(self.entry) }
    }

    /// Bytes of machine code and its constants.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Bytes of memory that the code takes: whole pages.
    pub fn footprint(&self) -> usize {
        self.pages.len()
    }

    /// The functions that the code calls.
    pub fn callees(&self) -> &[Arc<Callee>] {
        &self.callees
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({:#x}, {} bytes)", self.entry, self.size)
    }
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Code>();
    shared::<Jit>();
};
