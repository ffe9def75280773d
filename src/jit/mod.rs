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
mod steps;

use crate::codegen::clif::{self, CodegenError, Target};
use crate::codegen::lines::{self, Folded, Form};
use crate::codegen::segment::{self, Action};
use crate::codegen::wide;
use crate::codegen::{Entry, Layout, Simd};
use crate::ir::{Callee, Inst, OperandId, Program};
use cranelift::codegen::Context;
use cranelift::codegen::control::ControlPlane;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::Module;
use memory::{Pages, Provider};
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use steps::Steps;

/// The compiler for this machine.
#[derive(Clone, Debug)]
pub struct Jit {
    target: Target,
}

/// One loop's machine code: immutable, callable from any thread.
pub struct Code {
    /// Essential: the addresses of the code are in these pages.
    pages: Option<Pages>,
    body: Body,
    size: usize,
    /// Essential: the code calls these by address.
    callees: Vec<Arc<Callee>>,
    /// Does it fold each row of what is to be folded?
    folds_rows: bool,
}

/// How a loop's code is called.
#[derive(Debug)]
enum Body {
    /// By one function.
    Whole(Entry),
    /// Piece by piece.
    Steps(Steps),
}

thread_local! {
    /// Cranelift's working memory, kept from one compilation to the next.
    static CONTEXT: Cell<Option<Box<Context>>> = const { Cell::new(None) };
}

/// Functions begin at multiples of this: a cache line, and the greatest alignment of constants.
const ALIGN: usize = 64;

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
        let body = program.loops.get(loop_index).ok_or_else(|| no_loop(loop_index))?;
        if layouts.len() != program.operands.len() {
            return Err(CodegenError("a program needs a layout for each of its operands".into()));
        }
        let callees = body.insts.iter().filter_map(|inst| match inst {
            Inst::Call(callee, _) => Some(callee.clone()),
            _ => None,
        });
        let callees = callees.collect();
        let cached: Vec<Layout> = layouts.iter().map(|layout| layout.cached()).collect();
        let Some(segments) = segment::cut(program, body, &cached, simd) else {
            let function = self.function(program, loop_index, layouts, simd)?;
            let (pages, entries) = self.place(&[&function])?;
            let body = Body::Whole(entries[0]);
            return Ok(Code { pages, body, size: function.len(), callees, folds_rows: false });
        };
        let mut functions: Vec<Vec<u8>> = vec![Vec::new(); segments.program.loops.len()];
        for step in &segments.steps {
            if let Action::Segment(index, layouts) = &step.action {
                // One element, or one a row, is not worth vectors.
                let simd = if step.axes.inner { simd } else { Simd::Scalar };
                functions[*index] = self.function(&segments.program, *index, layouts, simd)?;
            }
        }
        let parts: Vec<&[u8]> = functions.iter().map(Vec::as_slice).collect();
        let (pages, entries) = self.place(&parts)?;
        let is_swapped = |operand: OperandId| layouts[operand.0 as usize].swapped;
        let body = Body::Steps(Steps::new(&segments, &entries, is_swapped));
        Ok(Code { pages, body, size: functions.iter().map(Vec::len).sum(), callees, folds_rows: false })
    }

    /// Compiles a loop that reduces, for the layouts of the program's operands, to code that puts what is to be
    /// folded into lines, in this form; none where that is of rows, and no code folds these.
    pub fn compile_folding(
        &self,
        program: &Program,
        loop_index: usize,
        layouts: &[Layout],
        folds: &[Folded],
        form: Form,
        simd: Simd,
    ) -> Result<Option<Code>, CodegenError> {
        let body = program.loops.get(loop_index).ok_or_else(|| no_loop(loop_index))?;
        let (program, layouts) = (lines::with_lines(program, body, folds, form), lines::layouts(layouts, folds, form));
        match (form, wide_level(simd)) {
            (Form::Values, _) => self.compile(&program, 0, &layouts, simd).map(Some),
            (Form::Rows, None) => Ok(None),
            (Form::Rows, Some(level)) => {
                let code = self.compile_wide(&program, 0, &layouts, level)?;
                Ok(code.map(|code| Code { folds_rows: true, ..code }))
            }
        }
    }

    /// The machine code of a loop that is one segment, with its constants behind it.
    fn function(
        &self,
        program: &Program,
        loop_index: usize,
        layouts: &[Layout],
        simd: Simd,
    ) -> Result<Vec<u8>, CodegenError> {
        if let Some(level) = wide_level(simd)
            && let Some(function) = wide_function(program, loop_index, layouts, level)?
        {
            return Ok(function);
        }
        with_context(|context| {
            let layouts: Vec<Layout> = layouts.iter().map(|layout| layout.plain()).collect();
            clif::lower(program, loop_index, &layouts, simd, &self.target, context)?;
            assemble(&self.target, context)?;
            let code = context.compiled_code().ok_or_else(|| CodegenError("nothing was compiled".into()))?;
            if let Some(relocation) = code.buffer.relocs().first() {
                return Err(CodegenError(format!("the code refers to {:?}", relocation.target)));
            }
            Ok(code.code_buffer().to_vec())
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
        let Some(function) = wide_function(program, loop_index, layouts, level)? else { return Ok(None) };
        let (pages, entries) = self.place(&[&function])?;
        let body = Body::Whole(entries[0]);
        Ok(Some(Code { pages, body, size: function.len(), callees: Vec::new(), folds_rows: false }))
    }

    /// Puts finished machine code into memory; gives the address of each function.
    fn place(&self, functions: &[&[u8]]) -> Result<(Option<Pages>, Vec<Entry>), CodegenError> {
        let mut bytes: Vec<u8> = Vec::with_capacity(functions.iter().map(|f| f.len() + ALIGN).sum());
        let mut starts = Vec::with_capacity(functions.len());
        for function in functions {
            bytes.resize(bytes.len().next_multiple_of(ALIGN), 0);
            starts.push(bytes.len());
            bytes.extend_from_slice(function);
        }
        if bytes.is_empty() {
            return Ok((None, Vec::new()));
        }
        let error = |error: cranelift_module::ModuleError| CodegenError(error.to_string());
        let slot = Arc::new(Mutex::new(None));
        let mut builder = JITBuilder::with_isa(self.target.isa().clone(), Box::new(|call| call.to_string()));
        builder.memory_provider(Box::new(Provider { slot: slot.clone() }));
        let mut module = JITModule::new(builder);
        let id = module.declare_anonymous_function(&self.target.entry_signature()).map_err(error)?;
        module.define_function_bytes(id, ALIGN as u64, &bytes, &[]).map_err(error)?;
        module.finalize_definitions().map_err(error)?;
        let start = module.get_finalized_function(id) as usize;
        let pages = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        let pages = pages.ok_or_else(|| CodegenError("the code has no memory".into()))?;
        // SAFETY: each address is the beginning of a function that was generated with the signature
        // and calling convention of `Entry`, in pages that are executable while their owner lives.
        let entry = |offset: usize| unsafe { std::mem::transmute::<usize, Entry>(start + offset) };
        Ok((Some(pages), starts.into_iter().map(entry).collect()))
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

/// The wide back end's level, if code may be that wide and the machine has it.
pub fn wide_level(simd: Simd) -> Option<wide::Level> {
    let level = match simd {
        Simd::Scalar | Simd::V128 => return None,
        Simd::Avx2 => wide::Level::Avx2,
        Simd::Avx512 => wide::Level::Avx512,
    };
    wide::detect().map(|best| level.min(best))
}

/// The bytes of a loop for vectors of a level's width; `None` where it has what these lack.
fn wide_function(
    program: &Program,
    loop_index: usize,
    layouts: &[Layout],
    level: wide::Level,
) -> Result<Option<Vec<u8>>, CodegenError> {
    let code = catch_unwind(AssertUnwindSafe(|| wide::lower(program, loop_index, layouts, level)));
    match code {
        Ok(code) => Ok(code.ok()),
        Err(_) => Err(CodegenError("internal error in code generation, you have found a bug".into())),
    }
}

fn no_loop(loop_index: usize) -> CodegenError {
    CodegenError(format!("the program has no loop {loop_index}"))
}

/// Does something for a loop, or for each of the segments that it is cut into.
fn for_segments<T>(
    program: &Program,
    loop_index: usize,
    layouts: &[Layout],
    simd: Simd,
    mut work: impl FnMut(&Program, usize, &[Layout], Simd) -> Result<T, CodegenError>,
) -> Result<Vec<T>, CodegenError> {
    let body = program.loops.get(loop_index).ok_or_else(|| no_loop(loop_index))?;
    let Some(segments) = segment::cut(program, body, layouts, simd) else {
        return Ok(vec![work(program, loop_index, layouts, simd)?]);
    };
    let steps = segments.steps.iter().filter_map(|step| match &step.action {
        Action::Segment(index, layouts) => Some((step.axes, *index, layouts)),
        _ => None,
    });
    steps
        .map(|(axes, index, layouts)| {
            // One element, or one a row, is not worth vectors.
            let simd = if axes.inner { simd } else { Simd::Scalar };
            work(&segments.program, index, layouts, simd)
        })
        .collect()
}

/// The CLIF of a loop for a target, segment by segment.
pub fn clif_text(
    target: &Target,
    program: &Program,
    loop_index: usize,
    layouts: &[Layout],
    simd: Simd,
) -> Result<String, CodegenError> {
    let texts = for_segments(program, loop_index, layouts, simd, |program, loop_index, layouts, simd| {
        with_context(|context| {
            clif::lower(program, loop_index, layouts, simd, target, context)?;
            Ok(context.func.display().to_string())
        })
    })?;
    Ok(texts.join("\n"))
}

/// The machine code of a loop for a target, segment by segment, as Cranelift prints it.
pub fn asm_text(
    target: &Target,
    program: &Program,
    loop_index: usize,
    layouts: &[Layout],
    simd: Simd,
) -> Result<String, CodegenError> {
    let texts = for_segments(program, loop_index, layouts, simd, |program, loop_index, layouts, simd| {
        if let Some(level) = wide_level(simd)
            && let Ok(text) = wide::text(program, loop_index, layouts, level)
        {
            return Ok(text);
        }
        with_context(|context| {
            clif::lower(program, loop_index, layouts, simd, target, context)?;
            context.set_disasm(true);
            assemble(target, context)?;
            let text = context.compiled_code().and_then(|code| code.vcode.clone());
            text.ok_or_else(|| CodegenError("no disassembly".into()))
        })
    })?;
    Ok(texts.join("\n"))
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
    /// Does what an [`Entry`] does.
    ///
    /// # Safety
    /// The contract of [`Entry`], for the program and the layouts that the code was made for.
    #[inline]
    pub unsafe fn call(
        &self,
        pointers: *const *mut u8,
        inner_strides: *const isize,
        outer_strides: *const isize,
        inner: usize,
        outer: usize,
    ) -> u64 {
        // SAFETY: passed on; the code is in pages that live as long as `self`.
        unsafe {
            match &self.body {
                Body::Whole(entry) => entry(pointers, inner_strides, outer_strides, inner, outer),
                Body::Steps(steps) => steps.call(pointers, inner_strides, outer_strides, inner, outer),
            }
        }
    }

    /// Does it compute anything once for all rows of a call? Then calls of many rows are cheaper.
    pub fn has_columns(&self) -> bool {
        matches!(&self.body, Body::Steps(steps) if steps.has_columns())
    }

    /// Does it fold each row of what is to be folded, so that lines have an element a row ([`Form::Rows`])?
    pub fn folds_rows(&self) -> bool {
        self.folds_rows
    }

    /// Bytes of machine code and its constants.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Bytes of memory that the code takes: whole pages.
    pub fn footprint(&self) -> usize {
        self.pages.as_ref().map_or(0, Pages::len)
    }

    /// The functions that the code calls.
    pub fn callees(&self) -> &[Arc<Callee>] {
        &self.callees
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} bytes)", self.size)
    }
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Code>();
    shared::<Jit>();
};
