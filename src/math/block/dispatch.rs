//! From one lane's computation to a function over packed arrays, at the machine's best level.
//!
//! # Safety
//! The functions made here have the contract of [`BlockFn`]. The ones compiled for instructions
//! beyond the baseline are handed out only where [`level`] found these instructions.
#![allow(unsafe_code, reason = "calls by address, and code for instructions that are detected at run time")]

use crate::dtype::{DType, Element, Scalar};
use crate::ir::{BlockFn, Callee, Effects, Form};
use std::marker::PhantomData;
use std::sync::OnceLock;

/// The instructions that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Whatever every machine of the architecture has: no fused multiply-add on x86-64.
    Baseline,
    /// 256-bit vectors and fused multiply-add.
    Avx2,
    /// 512-bit vectors, masks and fused multiply-add.
    Avx512,
}

/// The best level of this machine, found once. `NUMFUSE_SIMD` may make it do without AVX-512, never
/// without fused multiply-add, which could change results.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            let has_avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt");
            let has_avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw");
            let is_capped =
                std::env::var("NUMFUSE_SIMD").is_ok_and(|name| ["scalar", "v128", "avx2"].contains(&&*name));
            match (has_avx2, has_avx512 && !is_capped) {
                (true, true) => Level::Avx512,
                (true, false) => Level::Avx2,
                _ => Level::Baseline,
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        Level::Baseline
    })
}

/// A kernel for certain types, at every level.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    params: &'static [DType],
    result: DType,
    at: fn(Level) -> BlockFn,
}

impl Kernel {
    /// Of one argument.
    pub(super) const fn unary<K: Unary>() -> Kernel {
        Kernel { params: const { &[K::X::DTYPE] }, result: K::Y::DTYPE, at: unary::<K> }
    }

    /// Of two arguments.
    pub(super) const fn binary<K: Binary>() -> Kernel {
        Kernel { params: const { &[K::X::DTYPE, K::Z::DTYPE] }, result: K::Y::DTYPE, at: binary::<K> }
    }

    /// Of up to [`MOST_PARAMS`] arguments of one type, computed in float64.
    pub(super) const fn nary<K: Nary<N>, T: Real, const N: usize>() -> Kernel {
        const { assert!(N <= MOST_PARAMS) };
        Kernel { params: const { &[T::DTYPE; N] }, result: T::DTYPE, at: nary::<K, T, N> }
    }

    /// The function at a level, which must be one that the machine has.
    pub fn at(&self, level: Level) -> BlockFn {
        (self.at)(level)
    }

    /// The types of the arguments.
    pub fn params(&self) -> &[DType] {
        self.params
    }

    /// The type of the result.
    pub fn result(&self) -> DType {
        self.result
    }

    /// The kernel at the machine's best level as what a call instruction calls.
    pub fn callee(&self, name: &'static str) -> Callee {
        // The types are the kernel's, the level is one that the machine has, and kernels neither unwind
        // nor have a state.
        let function = self.at(level());
        let result = self.result;
        let invoke = move |args: &[Scalar]| {
            let mut bits = [0u64; MOST_PARAMS];
            for (bits, arg) in bits.iter_mut().zip(args) {
                *bits = arg.bits.to_le();
            }
            let pointers: [*const u8; MOST_PARAMS] = std::array::from_fn(|k| (&raw const bits[k]).cast());
            let mut value = 0u64;
            // SAFETY: one element for each argument, of its type (`Callee::call` compares them), in
            // memory that is large and aligned enough for any; and apart from it one for the result.
            unsafe { function(1, pointers.as_ptr(), (&raw mut value).cast()) };
            Scalar { dtype: result, bits: u64::from_le(value) }
        };
        Callee {
            name: name.into(),
            params: self.params().to_vec(),
            result,
            form: Form::Block(function),
            effects: Effects::NONE,
            invoke: Some(Box::new(invoke)),
            owner: None,
        }
    }
}

/// A function's kernels for float32 and for float64.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// The name, for text forms and errors.
    pub name: &'static str,
    /// Over float32.
    pub single: Kernel,
    /// Over float64.
    pub double: Kernel,
    /// Over float16, each as a float32, where that is not the rounded value of `single`.
    pub half: Option<&'static Kernel>,
    /// The same function within 4 ULP, where that is faster for one of the types.
    pub approximate: Option<&'static Kernels>,
}

impl Kernels {
    /// Of a function of one argument.
    pub(super) const fn unary<S: Unary, D: Unary>(name: &'static str) -> Kernels {
        Kernels { name, single: Kernel::unary::<S>(), double: Kernel::unary::<D>(), half: None, approximate: None }
    }

    /// Of a function of two arguments.
    pub(super) const fn binary<S: Binary, D: Binary>(name: &'static str) -> Kernels {
        Kernels { name, single: Kernel::binary::<S>(), double: Kernel::binary::<D>(), half: None, approximate: None }
    }

    /// Of a function of several arguments, computed in float64 for either type.
    pub(in crate::math) const fn nary<K: Nary<N>, const N: usize>(name: &'static str) -> Kernels {
        Kernels {
            name,
            single: Kernel::nary::<K, f32, N>(),
            double: Kernel::nary::<K, f64, N>(),
            half: None,
            approximate: None,
        }
    }

    /// With a function of its own for float16.
    pub(super) const fn with_half(self, half: &'static Kernel) -> Kernels {
        Kernels { half: Some(half), ..self }
    }

    /// With a sibling that is faster and less exact. For a type that gains nothing it has the same kernel.
    pub(super) const fn approximately(self, approximate: &'static Kernels) -> Kernels {
        Kernels { approximate: Some(approximate), ..self }
    }
}

/// A function of one argument: one lane's computation.
///
/// Both methods must be `#[inline(always)]` and free of branches and calls that LLVM would not
/// vectorise; with `FMA`, `mul_add` is one instruction.
pub(in crate::math) trait Unary {
    /// The element type of the argument.
    type X: Element;
    /// The element type of the result.
    type Y: Element;
    /// The value, and whether the argument is rare: then the value may be anything.
    fn fast<const FMA: bool>(x: Self::X) -> (Self::Y, bool);
    /// The value for every argument.
    fn careful<const FMA: bool>(x: Self::X) -> Self::Y;
}

/// A function over float32 that is computed in float64, whose result is rounded.
pub(super) struct Widened<K>(PhantomData<K>);

impl<K: Unary<X = f64, Y = f64>> Unary for Widened<K> {
    type X = f32;
    type Y = f32;

    #[inline(always)]
    fn fast<const FMA: bool>(x: f32) -> (f32, bool) {
        let (value, is_rare) = K::fast::<FMA>(f64::from(x));
        (value as f32, is_rare)
    }

    #[inline(always)]
    fn careful<const FMA: bool>(x: f32) -> f32 {
        K::careful::<FMA>(f64::from(x)) as f32
    }
}

/// The same of two arguments.
pub(in crate::math) trait Binary {
    /// The element type of the first argument.
    type X: Element;
    /// The element type of the second argument.
    type Z: Element;
    /// The element type of the result.
    type Y: Element;
    /// The value, and whether the arguments are rare: then the value may be anything.
    fn fast<const FMA: bool>(x: Self::X, z: Self::Z) -> (Self::Y, bool);
    /// The value for all arguments.
    fn careful<const FMA: bool>(x: Self::X, z: Self::Z) -> Self::Y;
}

/// The same of several arguments, in float64.
pub(in crate::math) trait Nary<const N: usize> {
    /// The value, and whether the arguments are rare: then the value may be anything.
    fn fast<const FMA: bool>(args: [f64; N]) -> (f64, bool);
    /// The value for all arguments.
    fn careful<const FMA: bool>(args: [f64; N]) -> f64;
}

/// The most arguments of a kernel.
pub const MOST_PARAMS: usize = 8;

/// The types whose elements an [`Nary`] function takes.
pub(in crate::math) trait Real: Element {
    /// As the function takes it.
    fn widened(self) -> f64;
    /// From the function's value.
    fn narrowed(value: f64) -> Self;
}

impl Real for f32 {
    #[inline(always)]
    fn widened(self) -> f64 {
        self.into()
    }
    #[inline(always)]
    fn narrowed(value: f64) -> f32 {
        value as f32
    }
}

impl Real for f64 {
    #[inline(always)]
    fn widened(self) -> f64 {
        self
    }
    #[inline(always)]
    fn narrowed(value: f64) -> f64 {
        value
    }
}

/// Elements between two looks at whether a rare argument was met.
const RUN: usize = 256;
/// A rest of fewer elements than a multiple of this is padded, so that it is vector code too. At
/// least a vector of every level for all types of 32 bits and more.
const PAD: usize = 16;
/// Rests of so few elements are done one by one.
const FEW: usize = 2;

/// A run whose length is even. Its halves go side by side: two independent computations hide each
/// other's latency, which is what limits kernels of dozens of operations.
#[inline(always)]
fn run1<K: Unary, const FMA: bool>(x: &[K::X], out: &mut [K::Y]) {
    let mut rare = false;
    let (x1, x2) = x.split_at(x.len() / 2);
    let (out1, out2) = out.split_at_mut(x1.len());
    for (((x1, x2), out1), out2) in x1.iter().zip(x2).zip(out1).zip(out2) {
        let (value1, is_rare1) = K::fast::<FMA>(*x1);
        let (value2, is_rare2) = K::fast::<FMA>(*x2);
        *out1 = value1;
        *out2 = value2;
        rare |= is_rare1 | is_rare2;
    }
    if rare {
        for (x, out) in x.iter().zip(out) {
            *out = K::careful::<FMA>(*x);
        }
    }
}

/// The same of two arguments.
#[inline(always)]
fn run2<K: Binary, const FMA: bool>(x: &[K::X], z: &[K::Z], out: &mut [K::Y]) {
    let mut rare = false;
    let (x1, x2) = x.split_at(x.len() / 2);
    let (z1, z2) = z.split_at(x1.len());
    let (out1, out2) = out.split_at_mut(x1.len());
    for (((((x1, x2), z1), z2), out1), out2) in x1.iter().zip(x2).zip(z1).zip(z2).zip(out1).zip(out2) {
        let (value1, is_rare1) = K::fast::<FMA>(*x1, *z1);
        let (value2, is_rare2) = K::fast::<FMA>(*x2, *z2);
        *out1 = value1;
        *out2 = value2;
        rare |= is_rare1 | is_rare2;
    }
    if rare {
        for ((x, z), out) in x.iter().zip(z).zip(out) {
            *out = K::careful::<FMA>(*x, *z);
        }
    }
}

#[inline(always)]
fn sweep1<K: Unary, const FMA: bool>(x: &[K::X], out: &mut [K::Y]) {
    let rest = x.len() % PAD;
    let (whole, rest) = x.split_at(x.len() - rest);
    let (whole_out, rest_out) = out.split_at_mut(whole.len());
    for (x, out) in whole.chunks(RUN).zip(whole_out.chunks_mut(RUN)) {
        run1::<K, FMA>(x, out);
    }
    if rest.len() <= FEW {
        for (x, out) in rest.iter().zip(rest_out) {
            *out = K::careful::<FMA>(*x);
        }
    } else {
        let mut padded = [rest[0]; PAD];
        padded[..rest.len()].copy_from_slice(rest);
        let mut values = [rest_out[0]; PAD];
        run1::<K, FMA>(&padded, &mut values);
        rest_out.copy_from_slice(&values[..rest.len()]);
    }
}

#[inline(always)]
fn sweep2<K: Binary, const FMA: bool>(x: &[K::X], z: &[K::Z], out: &mut [K::Y]) {
    let rest = x.len() % PAD;
    let (whole, rest) = x.split_at(x.len() - rest);
    let (whole_z, rest_z) = z.split_at(whole.len());
    let (whole_out, rest_out) = out.split_at_mut(whole.len());
    for ((x, z), out) in whole.chunks(RUN).zip(whole_z.chunks(RUN)).zip(whole_out.chunks_mut(RUN)) {
        run2::<K, FMA>(x, z, out);
    }
    if rest.len() <= FEW {
        for ((x, z), out) in rest.iter().zip(rest_z).zip(rest_out) {
            *out = K::careful::<FMA>(*x, *z);
        }
    } else {
        let (mut padded, mut padded_z) = ([rest[0]; PAD], [rest_z[0]; PAD]);
        padded[..rest.len()].copy_from_slice(rest);
        padded_z[..rest.len()].copy_from_slice(rest_z);
        let mut values = [rest_out[0]; PAD];
        run2::<K, FMA>(&padded, &padded_z, &mut values);
        rest_out.copy_from_slice(&values[..rest.len()]);
    }
}

/// A run of `RUN` elements, or of `PAD`.
#[inline(always)]
fn run_n<K: Nary<N>, T: Real, const N: usize, const COUNT: usize, const FMA: bool>(
    args: [&[T; COUNT]; N],
    out: &mut [T; COUNT],
) {
    let mut rare = false;
    for i in 0..COUNT {
        let (value, is_rare) = K::fast::<FMA>(std::array::from_fn(|k| args[k][i].widened()));
        out[i] = T::narrowed(value);
        rare |= is_rare;
    }
    if rare {
        for i in 0..COUNT {
            out[i] = T::narrowed(K::careful::<FMA>(std::array::from_fn(|k| args[k][i].widened())));
        }
    }
}

#[inline(always)]
fn sweep_n<K: Nary<N>, T: Real, const N: usize, const FMA: bool>(args: [&[T]; N], out: &mut [T]) {
    let (runs, rest) = out.as_chunks_mut::<RUN>();
    let runs_args = args.map(|arg| arg.as_chunks::<RUN>().0);
    for (i, out) in runs.iter_mut().enumerate() {
        run_n::<K, T, N, RUN, FMA>(std::array::from_fn(|k| &runs_args[k][i]), out);
    }
    let done = RUN * runs.len();
    let args = args.map(|arg| &arg[done..]);
    let (pads, rest) = rest.as_chunks_mut::<PAD>();
    let pads_args = args.map(|arg| arg.as_chunks::<PAD>().0);
    for (i, out) in pads.iter_mut().enumerate() {
        run_n::<K, T, N, PAD, FMA>(std::array::from_fn(|k| &pads_args[k][i]), out);
    }
    let done = PAD * pads.len();
    for (i, out) in rest.iter_mut().enumerate() {
        *out = T::narrowed(K::careful::<FMA>(std::array::from_fn(|k| args[k][done + i].widened())));
    }
}

/// A fold of one type: how two values are joined. Free of branches, and `#[inline(always)]`.
pub(super) trait Join<T> {
    /// The two as one.
    fn join(a: T, b: T) -> T;
}

/// The functions of a fold of one type.
#[derive(Clone, Copy, Debug)]
pub struct Folding {
    /// The bits with which results begin.
    pub identity: u128,
    /// Folds a run: the elements at the first address, which need no alignment, into the element at `out`,
    /// which holds the identity before.
    pub run: BlockFn,
    /// Joins the elements of rows, which need no alignment, to those at `out`, one row after another: the first of one
    /// row, the last of [`ROWS`].
    pub rows: [BlockFn; ROWS],
    /// The same of any number of rows, the addresses of which a null one ends; each row is read to its end before the
    /// next.
    pub rows_in_turn: BlockFn,
    /// Joins neighbours, then neighbours of these, and so on: at most [`TREE`] elements at the first address, which
    /// need no alignment, into the element at `out`.
    pub tree: BlockFn,
}

/// The elements that [`Folding::tree`] takes.
pub const TREE: usize = 64;

/// The most rows that [`Folding::rows`] take.
pub const ROWS: usize = 4;

impl Folding {
    pub(super) fn new<K: Join<T>, T: Copy, const LANES: usize>(level: Level, identity: u128) -> Folding {
        let rows = [
            fold_rows::<K, T, 1>(level),
            fold_rows::<K, T, 2>(level),
            fold_rows::<K, T, 3>(level),
            fold_rows::<K, T, ROWS>(level),
        ];
        let (run, tree) = (fold_run::<K, T, LANES>(level), fold_tree::<K, T>(level));
        Folding { identity, run, rows, rows_in_turn: fold_in_turn::<K, T>(level), tree }
    }
}

/// An element at any address.
#[derive(Clone, Copy)]
#[repr(C, packed)]
struct Unaligned<T>(T);

/// The body of a fold of a run.
///
/// # Safety
/// As [`BlockFn`], but that elements need no alignment; at `out` is an element to begin with.
#[inline(always)]
unsafe fn body_run<K: Join<T>, T: Copy, const LANES: usize, const FMA: bool>(
    n: usize,
    args: *const *const u8,
    out: *mut u8,
) {
    // SAFETY: by the contract there are `n` elements at the argument, and one at the result.
    let (values, out) =
        unsafe { (std::slice::from_raw_parts((*args).cast::<Unaligned<T>>(), n), &mut *out.cast::<Unaligned<T>>()) };
    let mut lanes = [out.0; LANES];
    let (turns, rest) = values.as_chunks::<LANES>();
    for turn in turns {
        for (lane, value) in lanes.iter_mut().zip(turn) {
            *lane = K::join(*lane, value.0);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = K::join(*lane, value.0);
    }
    let mut left = LANES / 2;
    while left > 0 {
        for lane in 0..left {
            lanes[lane] = K::join(lanes[lane], lanes[lane + left]);
        }
        left /= 2;
    }
    out.0 = lanes[0];
}

/// The body of a tree of neighbours.
///
/// # Safety
/// As [`BlockFn`], but that elements need no alignment, and there is a single result.
#[inline(always)]
unsafe fn body_tree<K: Join<T>, T: Copy, const FMA: bool>(n: usize, args: *const *const u8, out: *mut u8) {
    // SAFETY: by the contract there are `n` elements at the argument, and one at the result.
    let (values, out) =
        unsafe { (std::slice::from_raw_parts((*args).cast::<Unaligned<T>>(), n), &mut *out.cast::<Unaligned<T>>()) };
    let Some(first) = values.first() else { return };
    let mut joined = [first.0; TREE];
    joined.iter_mut().zip(values).for_each(|(joined, value)| *joined = value.0);
    let mut left = n.min(TREE);
    while left > 1 {
        for k in 0..left / 2 {
            joined[k] = K::join(joined[2 * k], joined[2 * k + 1]);
        }
        joined[left / 2] = joined[left - 1];
        left = left.div_ceil(2);
    }
    out.0 = joined[0];
}

/// The body of a fold of rows.
///
/// # Safety
/// As [`BlockFn`], but that elements need no alignment, and that the results are read as well.
#[inline(always)]
unsafe fn body_rows<K: Join<T>, T: Copy, const COUNT: usize, const FMA: bool>(
    n: usize,
    args: *const *const u8,
    out: *mut u8,
) {
    // SAFETY: by the contract there are `n` elements at each of the arguments and at the result, which is
    // apart from them.
    let (rows, out): ([_; COUNT], _) = unsafe {
        (
            std::array::from_fn(|k| std::slice::from_raw_parts((*args.add(k)).cast::<Unaligned<T>>(), n)),
            std::slice::from_raw_parts_mut(out.cast::<Unaligned<T>>(), n),
        )
    };
    // Whole vectors, then fewer elements, so that little is left even of short rows.
    let done = join_chunks::<K, T, COUNT, 32>(rows, out);
    let (rows, out) = (rows.map(|row| &row[done..]), &mut out[done..]);
    let done = join_chunks::<K, T, COUNT, 8>(rows, out);
    for (i, out) in out.iter_mut().enumerate().skip(done) {
        out.0 = rows.iter().fold(out.0, |joined, row| K::join(joined, row[i].0));
    }
}

/// Joins rows to results, so many elements at a time; says how many it did.
#[inline(always)]
fn join_chunks<K: Join<T>, T: Copy, const COUNT: usize, const CHUNK: usize>(
    rows: [&[Unaligned<T>]; COUNT],
    out: &mut [Unaligned<T>],
) -> usize {
    let rows = rows.map(|row| row.as_chunks::<CHUNK>().0);
    let (chunks, _) = out.as_chunks_mut::<CHUNK>();
    for (i, out) in chunks.iter_mut().enumerate() {
        let mut joined = out.map(|value| value.0);
        for row in &rows {
            for (joined, value) in joined.iter_mut().zip(&row[i]) {
                *joined = K::join(*joined, value.0);
            }
        }
        *out = joined.map(Unaligned);
    }
    CHUNK * chunks.len()
}

/// The same of rows in turn, up to a null address.
///
/// # Safety
/// As [`body_rows`], but for the number of rows.
#[inline(always)]
unsafe fn body_in_turn<K: Join<T>, T: Copy, const FMA: bool>(n: usize, args: *const *const u8, out: *mut u8) {
    let mut args = args;
    // SAFETY: by the contract an address follows each that is not null.
    while let row = unsafe { *args }
        && !row.is_null()
    {
        // SAFETY: by the contract there are `n` elements at the row and at the result, which is apart from it.
        unsafe { body_rows::<K, T, 1, FMA>(n, args, out) };
        args = args.wrapping_add(1);
    }
}

/// The body of a function of one argument, at a level.
///
/// # Safety
/// As [`BlockFn`].
#[inline(always)]
unsafe fn body1<K: Unary, const FMA: bool>(n: usize, args: *const *const u8, out: *mut u8) {
    // SAFETY: the contract of `BlockFn`: one argument and the result, `n` aligned elements each,
    // apart from each other.
    let (x, out) = unsafe {
        (std::slice::from_raw_parts((*args).cast::<K::X>(), n), std::slice::from_raw_parts_mut(out.cast::<K::Y>(), n))
    };
    sweep1::<K, FMA>(x, out);
}

/// The same of two arguments.
///
/// # Safety
/// As [`BlockFn`].
#[inline(always)]
unsafe fn body2<K: Binary, const FMA: bool>(n: usize, args: *const *const u8, out: *mut u8) {
    // SAFETY: the contract of `BlockFn`: two arguments and the result, `n` aligned elements each,
    // the result apart from the arguments.
    let (x, z, out) = unsafe {
        (
            std::slice::from_raw_parts((*args).cast::<K::X>(), n),
            std::slice::from_raw_parts((*args.add(1)).cast::<K::Z>(), n),
            std::slice::from_raw_parts_mut(out.cast::<K::Y>(), n),
        )
    };
    sweep2::<K, FMA>(x, z, out);
}

/// The same of several arguments.
///
/// # Safety
/// As [`BlockFn`].
#[inline(always)]
unsafe fn body_n<K: Nary<N>, T: Real, const N: usize, const FMA: bool>(n: usize, args: *const *const u8, out: *mut u8) {
    // SAFETY: the contract of `BlockFn`: `N` arguments and the result, `n` aligned elements each, the
    // result apart from the arguments.
    let (args, out) = unsafe {
        (
            std::array::from_fn(|k| std::slice::from_raw_parts((*args.add(k)).cast::<T>(), n)),
            std::slice::from_raw_parts_mut(out.cast::<T>(), n),
        )
    };
    // A call of one element is short, and worth its own way.
    if let [out] = out {
        *out = T::narrowed(K::careful::<FMA>(args.map(|arg: &[T]| arg[0].widened())));
    } else {
        sweep_n::<K, T, N, FMA>(args, out);
    }
}

/// Functions at each level: `choose` among them by a level. `[...]` are the generic parameters, `<...>`
/// what they are called by.
macro_rules! levels {
    ($choose:ident, [$($generics:tt)+], <$($names:ident),+>, $body:ident, $baseline:ident, $avx2:ident, $avx512:ident) => {
        unsafe extern "C" fn $baseline<$($generics)+>(n: usize, args: *const *const u8, out: *mut u8) {
            // SAFETY: the caller keeps to the same contract.
            unsafe { $body::<$($names),+, { cfg!(target_feature = "fma") }>(n, args, out) }
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt")]
        unsafe extern "C" fn $avx2<$($generics)+>(n: usize, args: *const *const u8, out: *mut u8) {
            // SAFETY: the caller keeps to the same contract.
            unsafe { $body::<$($names),+, true>(n, args, out) }
        }

        #[cfg(target_arch = "x86_64")]
        #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma,bmi1,bmi2,lzcnt")]
        unsafe extern "C" fn $avx512<$($generics)+>(n: usize, args: *const *const u8, out: *mut u8) {
            // SAFETY: the caller keeps to the same contract.
            unsafe { $body::<$($names),+, true>(n, args, out) }
        }

        /// The kernel as a function at a level, which must be one that the machine has.
        pub(super) fn $choose<$($generics)+>(level: Level) -> BlockFn {
            match level {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => $avx512::<$($names),+>,
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => $avx2::<$($names),+>,
                _ => $baseline::<$($names),+>,
            }
        }
    };
}

levels!(unary, [K: Unary], <K>, body1, unary_baseline, unary_avx2, unary_avx512);
levels!(binary, [K: Binary], <K>, body2, binary_baseline, binary_avx2, binary_avx512);
levels!(nary, [K: Nary<N>, T: Real, const N: usize], <K, T, N>, body_n, nary_baseline, nary_avx2, nary_avx512);
levels!(fold_run, [K: Join<T>, T: Copy, const LANES: usize], <K, T, LANES>, body_run, run_baseline, run_avx2, run_avx512);
levels!(fold_tree, [K: Join<T>, T: Copy], <K, T>, body_tree, tree_baseline, tree_avx2, tree_avx512);
levels!(fold_in_turn, [K: Join<T>, T: Copy], <K, T>, body_in_turn, in_turn_baseline, in_turn_avx2, in_turn_avx512);
levels!(fold_rows, [K: Join<T>, T: Copy, const COUNT: usize], <K, T, COUNT>, body_rows, rows_baseline, rows_avx2, rows_avx512);
