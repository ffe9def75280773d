//! The thread that compiles.
//!
//! A text may come from a stranger, and the code generator's need of stack grows with the program:
//! so it runs on a thread whose stack is known, whatever thread the caller is.

use crate::codegen::lines::{Folded, Form};
use crate::codegen::{Layout, Simd};
use crate::diagnostic::Error;
use crate::ir::Program;
use crate::jit::{Code, Jit};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

const STACK: usize = 64 << 20;

struct Job {
    program: Arc<Program>,
    loop_index: usize,
    layouts: Box<[Layout]>,
    folding: Option<Folding>,
    simd: Simd,
    reply: Sender<Result<Option<Code>, Error>>,
}

/// What the code of a loop that reduces is made for.
pub(super) struct Folding {
    pub(super) folds: Vec<Folded>,
    pub(super) form: Form,
}

/// The thread's mailbox and the process that it lives in: a forked child has none.
static THREAD: Mutex<Option<(u32, Sender<Job>)>> = Mutex::new(None);

/// Compiles a loop of a program for the layouts of its operands; one that reduces, as `folding` says, if there is
/// such code.
pub(super) fn compile(
    program: &Arc<Program>,
    loop_index: usize,
    layouts: &[Layout],
    folding: Option<Folding>,
    simd: Simd,
) -> Result<Option<Code>, Error> {
    let (reply, answer) = channel();
    let job = Job { program: Arc::clone(program), loop_index, layouts: layouts.into(), folding, simd, reply };
    mailbox()?.send(job).map_err(|_| lost())?;
    answer.recv().map_err(|_| lost())?
}

fn lost() -> Error {
    Error::Internal("the compiling thread ended".into())
}

fn mailbox() -> Result<Sender<Job>, Error> {
    let mut thread = THREAD.lock().unwrap_or_else(PoisonError::into_inner);
    match &*thread {
        Some((process, mailbox)) if *process == std::process::id() => Ok(mailbox.clone()),
        _ => {
            let (mailbox, jobs) = channel();
            let builder = std::thread::Builder::new().name("numfuse-compile".into()).stack_size(STACK);
            builder.spawn(move || serve(jobs)).map_err(|e| Error::Memory(format!("no thread to compile on: {e}")))?;
            *thread = Some((std::process::id(), mailbox.clone()));
            Ok(mailbox)
        }
    }
}

fn serve(jobs: Receiver<Job>) {
    for Job { program, loop_index, layouts, folding, simd, reply } in jobs {
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            let jit = Jit::global().map_err(|e| Error::Internal(e.to_string()))?;
            let code = match folding {
                None => jit.compile(&program, loop_index, &layouts, simd).map(Some),
                Some(Folding { folds, form }) => {
                    jit.compile_folding(&program, loop_index, &layouts, &folds, form, simd)
                }
            };
            code.map_err(|e| Error::Internal(e.to_string()))
        }));
        let compiled = compiled.unwrap_or_else(|_| Err(Error::Internal("the code generator panicked".into())));
        // The caller waits, unless its thread has ended; then nobody needs the code.
        let _ = reply.send(compiled);
    }
}
