//! Runs generated code over arrays: broadcasting, the loop plan, overlap of memory, threads.
//!
//! [`shape`] and [`overlap`] answer questions about views, [`plan`] turns a loop's index space into
//! calls of generated code, [`mod@run`] makes those calls, on the pool of [`threads`] where the work
//! is large. Only [`mod@run`] touches memory.

mod cache;
pub mod overlap;
pub mod plan;
pub mod reduce;
pub mod run;
pub mod shape;
pub mod threads;
