//! Block kernels: functions over a chunk of elements, which the compiler vectorises.
//!
//! A kernel is one lane's computation, written once over `const FMA: bool`, without branches, so
//! that a loop over it becomes vector code. [`dispatch`] makes it into a function over packed
//! arrays, once for each level of the machine's vectors, and chooses among them once a process.
//!
//! Two ways through a kernel keep it fast: `fast` may be wrong where it says that an argument is
//! rare; then the run of elements is done again by `careful`, which is right for every argument and
//! gives the bits of `fast` wherever that is right. So a result depends on its own arguments alone,
//! not on its neighbours or its place.

#[cfg(test)]
mod check;
pub mod dispatch;
pub mod division;
pub mod erf;
pub mod exp;
pub mod fold;
pub mod gamma;
pub mod half;
pub mod hyperbolic;
pub mod inverse_trig;
pub(in crate::math) mod lane;
pub mod log;
pub mod logistic;
pub mod normal;
pub(in crate::math) mod pair;
pub mod plain;
pub mod power;
pub mod trig;
