//! The checker: what a program's names mean, and its typed form.
//!
//! [`names`] needs the text alone and runs once a kernel. [`lower`] needs the types of arguments as
//! well and runs once a specialisation. Here is the last place where a user's mistake is found;
//! later stages have bugs, not errors.

mod complex;
mod elements;
pub mod errors;
pub mod functions;
pub mod lower;
pub mod names;
mod operators;
mod reductions;
pub mod term;
mod text;
mod times;
mod write_out;
