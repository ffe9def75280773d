//! Calls generated code over a plan, chunk by chunk and on several threads, and owns memory for
//! values between loops.
//!
//! # Safety
//! Addresses come from [`ArrayRef`]s, whose makers answer for the memory. A [`LoopPlan`] reaches
//! only elements of its views: it checks that they broadcast to the loop's shape and then permutes,
//! turns round and joins axes. That generated code keeps to [`Entry`]'s contract is the code
//! generator's promise, and that a plan meets the code made for its layouts is the engine's.
#![allow(unsafe_code, reason = "calls generated code and owns untyped memory")]

use super::plan::LoopPlan;
use super::shape::{Order, Shape, display_shape, element_count, output_axes, strides_for};
use super::threads::{self, Job};
use crate::array::ArrayRef;
use crate::codegen::{Entry, FAILED};
use crate::diagnostic::{Error, Failure};
use crate::dtype::{DType, Scalar, Type};
use crate::ir::callee::take_failure;
use crate::jit::Code;
use smallvec::SmallVec;
use std::alloc::{self, Layout};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The memory traffic of a chunk in bytes.
const CHUNK: usize = 512 << 10;
/// The most elements of a chunk, and the most instructions that it executes.
const CHUNK_ELEMENTS: usize = 1 << 16;
const CHUNK_INSTRUCTIONS: usize = 1 << 20;
/// Where calls of many rows are cheaper: elements of a piece of a row, and rows, of a chunk.
const ROW_PIECE: usize = 1 << 10;
const MANY_ROWS: usize = 1 << 11;
/// Pieces of a row are multiples of this, so that only a row's end leaves part of a vector.
const PIECE: usize = 64;
/// The time between two questions whether the caller was interrupted.
pub(super) const POLL: Duration = Duration::from_millis(20);

/// Why a loop ended early. Each element of a target has its old or its final value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// The guard of this number failed.
    Guard(u32),
    /// The caller was interrupted.
    Interrupted,
    /// A native function failed.
    Native(Failure),
}

/// Runs generated code over all elements of a plan, on up to `threads` threads, the calling one
/// included. The code must have been made for the plan's operands and layouts.
///
/// Large work asks `interrupted` every 20 ms, on the calling thread. When this returns, no other
/// thread uses the operands' memory. The guard reported is that of the first chunk in which one
/// fails, so that it depends on the plan alone.
#[inline]
pub fn run<R: Runs>(plan: &LoopPlan, code: &R, threads: usize, interrupted: &dyn Fn() -> bool) -> Result<(), RunError> {
    if plan.elements() == 0 {
        return Ok(());
    }
    if is_one_call(plan) {
        return guard(whole(plan, code));
    }
    run_chunks(plan, code, threads, interrupted)
}

/// Is a plan's work a single call of its code, and a short one?
#[inline]
fn is_one_call(plan: &LoopPlan) -> bool {
    let elements = plan.elements();
    plan.bytes() <= CHUNK
        && elements <= CHUNK_ELEMENTS
        && elements.saturating_mul(plan.weight) <= CHUNK_INSTRUCTIONS
        && plan.extents().len() == 2
}

/// What runs over elements.
pub trait Runs: Clone + Send + Sync + 'static {
    /// Does what an [`Entry`] does.
    ///
    /// # Safety
    /// As for [`Entry`].
    unsafe fn call(
        &self,
        pointers: *const *mut u8,
        inner_strides: *const isize,
        outer_strides: *const isize,
        inner: usize,
        outer: usize,
    ) -> u64;

    /// Are calls of many rows cheaper than others, though each of their rows is long?
    fn prefers_rows(&self) -> bool;
}

impl Runs for Entry {
    #[inline]
    unsafe fn call(
        &self,
        pointers: *const *mut u8,
        inner_strides: *const isize,
        outer_strides: *const isize,
        inner: usize,
        outer: usize,
    ) -> u64 {
        // SAFETY: passed on.
        unsafe { self(pointers, inner_strides, outer_strides, inner, outer) }
    }

    fn prefers_rows(&self) -> bool {
        false
    }
}

impl Runs for Arc<Code> {
    #[inline]
    unsafe fn call(
        &self,
        pointers: *const *mut u8,
        inner_strides: *const isize,
        outer_strides: *const isize,
        inner: usize,
        outer: usize,
    ) -> u64 {
        // SAFETY: passed on.
        unsafe { Code::call(self, pointers, inner_strides, outer_strides, inner, outer) }
    }

    fn prefers_rows(&self) -> bool {
        self.has_columns()
    }
}

/// The most operands of a [`Packed`] call.
pub const PACKED: usize = 16;

/// Operands that are each a scalar or a packed array of one number of elements, all of native byte
/// order: one call of generated code runs over them, with nothing to plan.
pub struct Packed {
    pointers: [*mut u8; PACKED],
    count: usize,
    elements: usize,
}

impl Packed {
    /// Without operands. Every array must have so many elements, at least one.
    #[inline]
    pub fn new(elements: usize) -> Packed {
        Packed { pointers: [std::ptr::null_mut(); PACKED], count: 0, elements: elements.max(1) }
    }

    /// Operands whose addresses are all that their maker says of them.
    ///
    /// # Safety
    /// The first `count` are scalars or packed arrays of this number of elements, of native byte order,
    /// in memory that stays valid until the last call of `run`.
    #[inline]
    pub unsafe fn from_raw(pointers: [*mut u8; PACKED], count: usize, elements: usize) -> Packed {
        Packed { pointers, count, elements: elements.max(1) }
    }

    /// Adds an operand, which must outlive the calls of `run`; false if it is none of these.
    #[inline]
    pub fn push(&mut self, array: &ArrayRef) -> bool {
        let fits = match array.shape() {
            [] => true,
            &[count] => count as usize == self.elements && array.is_c_contiguous(),
            shape => element_count(shape) == Some(self.elements) && array.is_c_contiguous(),
        };
        self.pointers[self.count] = array.data();
        self.count += 1;
        fits && !array.swapped()
    }

    /// Adds a place that is no operand.
    #[inline]
    pub fn push_nothing(&mut self) {
        self.pointers[self.count] = std::ptr::null_mut();
        self.count += 1;
    }

    /// Adds one more of these, or null for a place that is no operand.
    ///
    /// # Safety
    /// As [`Packed::from_raw`].
    #[inline]
    pub unsafe fn push_raw(&mut self, data: *mut u8) {
        self.pointers[self.count] = data;
        self.count += 1;
    }

    /// Might two operands, given by their places and strides, share memory?
    #[inline]
    pub fn may_touch(&self, a: (usize, isize), b: (usize, isize)) -> bool {
        // A scalar has at most 8 bytes.
        let span = |(place, stride): (usize, isize)| {
            let start = self.pointers[place] as usize;
            (start, start + (stride as usize * self.elements).max(8))
        };
        let ((a_start, a_end), (b_start, b_end)) = (span(a), span(b));
        a_start < b_end && b_start < a_end
    }

    /// Are two arrays the same, element by element?
    #[inline]
    pub fn is_same(&self, a: (usize, isize), b: (usize, isize)) -> bool {
        // What size a scalar has is not known here.
        self.pointers[a.0] == self.pointers[b.0] && a.1 == b.1 && a.1 != 0
    }

    /// Runs code over these operands: the program's operands are those at `places`, and have been
    /// compiled for the layouts of a scalar, or of a packed array whose stride is given.
    ///
    /// # Panics
    /// If there is nothing at such a place.
    #[inline]
    pub fn run(&self, code: &Code, places: &[u8], strides: &[isize; PACKED]) -> Result<(), RunError> {
        const ONE_ROW: [isize; PACKED] = [0; PACKED];
        let mut pointers = [std::ptr::null_mut(); PACKED];
        for (pointer, &place) in pointers.iter_mut().zip(places) {
            *pointer = self.pointers[..self.count][place as usize];
            assert!(!pointer.is_null(), "an operand is missing");
        }
        // SAFETY: there is one pointer and one stride for each operand of the program; behind each
        // pointer lie `elements` elements without gaps, or one that is not stepped over, all of them
        // in views that are alive (`push`, `push_raw`).
        let returned = unsafe { code.call(pointers.as_ptr(), strides.as_ptr(), ONE_ROW.as_ptr(), self.elements, 1) };
        guard(returned)
    }
}

/// A plan of one short call, for operands of its operands' types, shapes and strides, wherever they
/// are.
#[derive(Debug)]
pub struct Placement {
    count: usize,
    /// From each operand's address ([`ArrayRef::origin`]) to that of the element that is visited first.
    offsets: [isize; PACKED],
    /// From each operand's address to its first byte, and to the one after its last.
    spans: [(isize, isize); PACKED],
    /// Along the inner axis, then the outer one.
    strides: [[isize; PACKED]; 2],
    extents: [usize; 2],
}

impl Placement {
    /// What a plan does with these operands of a program; none if that is not one short call.
    pub fn new(plan: &LoopPlan, operands: &[ArrayRef]) -> Option<Placement> {
        let count = operands.len();
        if count > PACKED || plan.elements() == 0 || !is_one_call(plan) {
            return None;
        }
        let mut placement = Placement {
            count,
            offsets: [0; PACKED],
            spans: [(0, 0); PACKED],
            strides: [[0; PACKED]; 2],
            extents: [plan.extents()[0], plan.extents()[1]],
        };
        for (k, array) in operands.iter().enumerate() {
            // Operands that the loop doesn't use are not looked at.
            if !plan.pointers[k].is_null() {
                placement.offsets[k] = (plan.pointers[k] as isize).wrapping_sub(array.origin() as isize);
            }
            let (first, end) = super::overlap::span(array);
            let half = array.data() as isize - array.origin() as isize;
            placement.spans[k] = (first + half, end + half);
            for axis in 0..2 {
                placement.strides[axis][k] = plan.strides(axis)[k];
            }
        }
        Some(placement)
    }

    /// Might two operands share memory? They are given by their numbers and the places of their
    /// addresses.
    #[inline]
    pub fn may_touch(&self, at: &Addresses, a: (usize, usize), b: (usize, usize)) -> bool {
        let span = |(operand, place): (usize, usize)| {
            let ((first, end), address) = (self.spans[operand], at.0[place] as isize);
            (address.wrapping_add(first), address.wrapping_add(end))
        };
        let ((a_first, a_end), (b_first, b_end)) = (span(a), span(b));
        a_first < b_end && b_first < a_end
    }

    /// Are two operands the same, element by element?
    #[inline]
    pub fn is_same(&self, at: &Addresses, a: (usize, usize), b: (usize, usize)) -> bool {
        let of = |operand: usize| (self.spans[operand], self.offsets[operand], self.strides.map(|axis| axis[operand]));
        at.0[a.1] == at.0[b.1] && of(a.0) == of(b.0)
    }

    /// Runs code that was made for the plan's layouts; `places` says which address each operand has.
    ///
    /// # Panics
    /// If there is nothing at such a place.
    #[inline]
    pub fn run(&self, code: &Code, at: &Addresses, places: &[u8]) -> Result<(), RunError> {
        assert_eq!(places.len(), self.count);
        let mut pointers = [std::ptr::null_mut(); PACKED];
        for (k, &place) in places.iter().enumerate() {
            let address = at.0[place as usize];
            assert!(!address.is_null(), "an operand is missing");
            pointers[k] = address.wrapping_offset(self.offsets[k]);
        }
        let [inner, outer] = &self.strides;
        // SAFETY: the plan reaches only elements of its operands' views, and the views at these
        // addresses differ from those in that alone (`Addresses::new`).
        let returned =
            unsafe { code.call(pointers.as_ptr(), inner.as_ptr(), outer.as_ptr(), self.extents[0], self.extents[1]) };
        guard(returned)
    }
}

/// Extents and strides.
pub type View = (Shape, Shape);

/// Where views are whose types, extents and strides a [`Placement`] has.
#[derive(Debug)]
pub struct Addresses([*mut u8; PACKED]);

impl Addresses {
    /// Null for a place that is no operand.
    ///
    /// # Safety
    /// Each is the address of a view of the type, extents and strides of the operand for which a
    /// placement takes it, in memory that stays valid until the last call of [`Placement::run`].
    #[inline]
    pub unsafe fn new(pointers: [*mut u8; PACKED]) -> Addresses {
        Addresses(pointers)
    }

    /// Those of arrays that have these extents and strides; none if they have not. They must outlive the calls of
    /// [`Placement::run`], and be of the types of the operands for which a placement takes them.
    pub fn of(arrays: &[ArrayRef], views: &[View]) -> Option<Addresses> {
        let is_like = |(array, (shape, strides)): (&ArrayRef, &View)| {
            array.shape() == &shape[..] && array.strides() == &strides[..]
        };
        if arrays.len() != views.len() || arrays.len() > PACKED || !arrays.iter().zip(views).all(is_like) {
            return None;
        }
        let mut addresses = [std::ptr::null_mut(); PACKED];
        addresses.iter_mut().zip(arrays).for_each(|(address, array)| *address = array.origin());
        Some(Addresses(addresses))
    }

    /// The address at a place.
    pub(super) fn at(&self, place: usize) -> *mut u8 {
        self.0[place]
    }
}

/// What a program keeps between its loops in calls like one before: buffers, and numbers known from shapes.
#[derive(Debug, Default)]
pub struct Kept {
    /// Each one's place among the addresses, and where it begins in memory of the call's.
    buffers: SmallVec<[(u8, usize); 4]>,
    words: usize,
    numbers: SmallVec<[(u8, i64); 2]>,
}

impl Kept {
    /// The most bytes of all buffers.
    pub const MOST: usize = 16 << 10;
    /// Words on the stack.
    const FEW: usize = 64;

    /// Adds a buffer like this one.
    pub fn add(&mut self, place: u8, buffer: &Buffer) {
        self.buffers.push((place, self.words));
        self.words += buffer.layout.size().div_ceil(8);
    }

    /// Adds a number.
    pub fn add_number(&mut self, place: u8, number: i64) {
        self.numbers.push((place, number));
    }

    /// Is there nothing?
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.buffers.is_empty() && self.numbers.is_empty()
    }

    /// The bytes of all buffers.
    pub fn bytes(&self) -> usize {
        8 * self.words
    }

    /// Does something with buffers and numbers in their places.
    pub fn within<T>(&self, at: &Addresses, run: impl FnOnce(&Addresses) -> T) -> T {
        let mut few = [std::mem::MaybeUninit::<u64>::uninit(); Self::FEW];
        let mut many: Vec<std::mem::MaybeUninit<u64>> = Vec::new();
        let words = match self.words <= Self::FEW {
            true => few.as_mut_ptr(),
            false => {
                many.reserve_exact(self.words);
                many.as_mut_ptr()
            }
        };
        let mut all = Addresses(at.0);
        for &(place, word) in &self.buffers {
            all.0[usize::from(place)] = words.wrapping_add(word).cast();
        }
        for (place, number) in &self.numbers {
            all.0[usize::from(*place)] = std::ptr::from_ref(number).cast_mut().cast();
        }
        run(&all)
    }
}

fn run_chunks<R: Runs>(
    plan: &LoopPlan,
    code: &R,
    threads: usize,
    interrupted: &dyn Fn() -> bool,
) -> Result<(), RunError> {
    let cut = Cut::new(plan, code.prefers_rows());
    let threads = if plan.in_order { 1 } else { threads.min(cut.count) };
    if threads > 1 {
        return run_shared(plan, code, cut, threads, interrupted);
    }
    let mut asked: Option<Instant> = None;
    for chunk in 0..cut.count {
        // A single chunk is short: then nobody needs the time.
        if cut.count > 1 {
            let asked = asked.get_or_insert_with(Instant::now);
            if asked.elapsed() >= POLL {
                if interrupted() {
                    return Err(RunError::Interrupted);
                }
                *asked = Instant::now();
            }
        }
        guard(cut.run(plan, code, chunk))?;
    }
    Ok(())
}

/// What the code returned, as a result.
#[inline]
pub(super) fn guard(returned: u64) -> Result<(), RunError> {
    match returned {
        0 => Ok(()),
        FAILED => Err(failed()),
        guard => Err(RunError::Guard((guard - 1) as u32)),
    }
}

/// What the native function that failed on this thread said.
#[cold]
fn failed() -> RunError {
    let no_reason = || Failure(Arc::new(Error::Internal("a function gave no reason to fail".into())));
    RunError::Native(take_failure().unwrap_or_else(no_reason))
}

/// One call for a plan without further axes.
#[inline]
fn whole(plan: &LoopPlan, code: &impl Runs) -> u64 {
    debug_assert!(plan.extents().len() == 2);
    let (inner, outer) = (plan.extents()[0], plan.extents()[1]);
    let (inner_strides, outer_strides) = (plan.strides(0).as_ptr(), plan.strides(1).as_ptr());
    // SAFETY: the lists hold one item for each operand of the program, and inner * outer elements
    // from these pointers and strides are those of the plan's views (see the module).
    unsafe { code.call(plan.pointers.as_ptr(), inner_strides, outer_strides, inner, outer) }
}

/// How a plan is cut into chunks: by rows, which are the positions on all axes but the inner one,
/// or, where rows are long, by pieces of a row. Depends on the plan alone.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// Rows in all.
    rows: usize,
    /// Rows of a chunk.
    rows_each: usize,
    /// Elements of a row in a chunk.
    piece: usize,
    /// Chunks across a row.
    pieces: usize,
    /// Chunks in all.
    count: usize,
}

impl Cut {
    fn new(plan: &LoopPlan, prefers_rows: bool) -> Cut {
        let per_element = plan.bytes().div_ceil(plan.elements()).max(1);
        let most = (CHUNK / per_element).min(CHUNK_ELEMENTS).min(CHUNK_INSTRUCTIONS / plan.weight).max(PIECE);
        let inner = plan.extents()[0];
        let rows = plan.elements() / inner;
        if prefers_rows {
            let piece = inner.div_ceil(inner.div_ceil(ROW_PIECE)).next_multiple_of(PIECE);
            let pieces = inner.div_ceil(piece);
            let rows_each = rows.min(MANY_ROWS);
            return Cut { rows, rows_each, piece, pieces, count: rows.div_ceil(rows_each) * pieces };
        }
        if inner >= 2 * most {
            let piece = inner.div_ceil(inner.div_ceil(most)).next_multiple_of(PIECE);
            let pieces = inner.div_ceil(piece);
            Cut { rows, rows_each: 1, piece, pieces, count: rows * pieces }
        } else {
            let rows_each = (most / inner).clamp(1, rows);
            Cut { rows, rows_each, piece: inner, pieces: 1, count: rows.div_ceil(rows_each) }
        }
    }

    /// Runs the code over a chunk and returns what the code did.
    fn run(&self, plan: &LoopPlan, code: &impl Runs, chunk: usize) -> u64 {
        let mut row = chunk / self.pieces * self.rows_each;
        let end = (row + self.rows_each).min(self.rows);
        let start = chunk % self.pieces * self.piece;
        let [inner, outer, further @ ..] = plan.extents() else { return 0 };
        let length = self.piece.min(inner - start);

        // The place of the chunk's first row: its index on each further axis, and the address of
        // the first element of each operand at that index.
        let mut pointers: SmallVec<[*mut u8; 8]> = plan.pointers.clone();
        step(&mut pointers, plan.strides(0), start as isize);
        let mut indices: SmallVec<[usize; 4]> = SmallVec::new();
        let mut rest = row / outer;
        for (axis, extent) in further.iter().enumerate() {
            indices.push(rest % extent);
            rest /= extent;
            step(&mut pointers, plan.strides(axis + 2), indices[axis] as isize);
        }

        let mut first = row % outer;
        loop {
            let rows = (outer - first).min(end - row);
            step(&mut pointers, plan.strides(1), first as isize);
            let (inner_strides, outer_strides) = (plan.strides(0).as_ptr(), plan.strides(1).as_ptr());
            // SAFETY: the lists hold one item for each operand of the program; the rows from
            // `first` on and the `length` elements of each from `start` on are within the plan's
            // extents, hence within its views (see the module).
            let returned = unsafe { code.call(pointers.as_ptr(), inner_strides, outer_strides, length, rows) };
            row += rows;
            if returned != 0 || row == end {
                return returned;
            }
            step(&mut pointers, plan.strides(1), -(first as isize));
            first = 0;
            for (axis, index) in indices.iter_mut().enumerate() {
                *index += 1;
                if *index < further[axis] {
                    step(&mut pointers, plan.strides(axis + 2), 1);
                    break;
                }
                step(&mut pointers, plan.strides(axis + 2), 1 - *index as isize);
                *index = 0;
            }
        }
    }
}

/// Moves each operand's pointer by so many strides.
pub(super) fn step(pointers: &mut [*mut u8], strides: &[isize], count: isize) {
    if count != 0 {
        for (pointer, stride) in pointers.iter_mut().zip(strides) {
            *pointer = pointer.wrapping_offset(stride * count);
        }
    }
}

fn run_shared<R: Runs>(
    plan: &LoopPlan,
    code: &R,
    cut: Cut,
    threads: usize,
    interrupted: &dyn Fn() -> bool,
) -> Result<(), RunError> {
    let share = cut.count.div_ceil(threads);
    let parts = (0..threads).map(|k| Part::new(k * share, ((k + 1) * share).min(cut.count))).collect();
    let sweep = Arc::new(Sweep {
        plan: plan.unbound(),
        code: code.clone(),
        cut,
        parts,
        stop: AtomicBool::new(false),
        limit: AtomicUsize::new(cut.count),
        failure: Mutex::new(None),
    });
    let mine = || {
        // Should `interrupted` panic, the others stop as well.
        let _stop = StopAtEnd(&sweep);
        let mut asked = Instant::now();
        sweep.take_part(0, || {
            if asked.elapsed() < POLL {
                return true;
            }
            let go_on = !interrupted();
            asked = Instant::now();
            go_on
        })
    };
    // No thread takes part in the sweep when this returns: the plan is not used after its views.
    let completed = threads::share(sweep.clone(), threads - 1, mine);
    let failure = sweep.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
    match failure {
        _ if !completed => Err(RunError::Interrupted),
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// A plan in work on several threads.
struct Sweep<R> {
    plan: LoopPlan<'static>,
    code: R,
    cut: Cut,
    /// Neighbouring chunks for each participant, so that each stays in its own pages; who is done
    /// helps the others.
    parts: Vec<Part>,
    /// Nobody shall take another chunk.
    stop: AtomicBool,
    /// Chunks from here on need not be run: one before them failed.
    limit: AtomicUsize,
    /// The first chunk that failed, and why.
    failure: Mutex<Option<(usize, RunError)>>,
}

/// A participant's chunks; on a cache line of its own.
#[repr(align(64))]
struct Part {
    next: AtomicUsize,
    end: usize,
}

impl Part {
    fn new(start: usize, end: usize) -> Part {
        Part { next: AtomicUsize::new(start), end }
    }

    fn take(&self) -> Option<usize> {
        // Looked at first, so that helpers who find nothing don't write to the line.
        if self.next.load(Ordering::Relaxed) >= self.end {
            return None;
        }
        Some(self.next.fetch_add(1, Ordering::Relaxed)).filter(|&chunk| chunk < self.end)
    }
}

// SAFETY: the plan's pointers are what keeps it from being `Send` and `Sync`. Threads use them to
// run different chunks, whose elements are different ones for every operand that is written, or one
// and the same value; and only while `run_shared` holds the borrow of the plan.
unsafe impl<R: Runs> Send for Sweep<R> {}
// SAFETY: as above; everything else in it is atomic, locked or never changes.
unsafe impl<R: Runs> Sync for Sweep<R> {}

impl<R: Runs> Sweep<R> {
    /// Runs chunks until none is left or `go_on`, asked before each, says no; false in that case.
    fn take_part(&self, participant: usize, mut go_on: impl FnMut() -> bool) -> bool {
        let count = self.parts.len();
        for k in 0..count {
            let part = &self.parts[(participant + k) % count];
            // A chunk that is taken is run: whoever finds nothing to take may rely on the taker.
            while !self.stop.load(Ordering::Relaxed)
                && let Some(chunk) = part.take()
            {
                if !go_on() {
                    return false;
                }
                // Chunks before a failed one are still run, for the first failure is reported.
                if chunk >= self.limit.load(Ordering::Relaxed) {
                    break;
                }
                if let Err(error) = guard(self.cut.run(&self.plan, &self.code, chunk)) {
                    let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                    if failure.as_ref().is_none_or(|(first, _)| chunk < *first) {
                        *failure = Some((chunk, error));
                        self.limit.store(chunk, Ordering::Relaxed);
                    }
                }
            }
        }
        true
    }
}

struct StopAtEnd<'a, R>(&'a Sweep<R>);

impl<R> Drop for StopAtEnd<'_, R> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

impl<R: Runs> Job for Sweep<R> {
    fn work(&self, participant: usize) {
        self.take_part(participant % self.parts.len(), || true);
    }
}

/// Memory for an array: a value that a later loop needs, or a copy of an input.
#[derive(Debug)]
pub struct Buffer {
    data: NonNull<u8>,
    /// What was allocated; of size 0 if nothing was.
    layout: Layout,
    shape: Shape,
    strides: Shape,
    dtype: DType,
    swapped: bool,
}

// SAFETY: it owns its memory; nothing in it is tied to a thread.
unsafe impl Send for Buffer {}

impl Buffer {
    /// Memory for an array in C order, its elements not yet written.
    pub fn new(shape: &[isize], dtype: DType) -> Result<Buffer, Error> {
        Buffer::allocate(shape, shape, &output_axes(Order::C, shape, &[]), dtype)
    }

    /// The same, its axes in this order in memory, outermost first.
    pub fn ordered(shape: &[isize], axes: &[u8], dtype: DType) -> Result<Buffer, Error> {
        Buffer::allocate(shape, shape, axes, dtype)
    }

    /// Writes the same to every element.
    pub fn fill(&self, value: Scalar) {
        assert_eq!(value.dtype, self.dtype);
        let bits = value.bits.to_le();
        for at in (0..self.layout.size()).step_by(self.dtype.size()) {
            let element = self.data.as_ptr().wrapping_add(at);
            // SAFETY: within the buffer's own memory, whose size is a multiple of the element's.
            unsafe { std::ptr::copy_nonoverlapping((&raw const bits).cast(), element, self.dtype.size()) };
        }
    }

    /// A copy of an array's elements as they are now, in the array's byte order and in about its
    /// order in memory. Axes along which it repeats one element repeat it in the copy.
    pub fn snapshot(array: &ArrayRef) -> Result<Buffer, Error> {
        let once =
            array.shape().iter().zip(array.strides()).map(|(&n, &stride)| if stride == 0 { n.min(1) } else { n });
        let once: Shape = once.collect();
        let axes = output_axes(Order::K, array.shape(), &[array]);
        let mut buffer = Buffer::allocate(array.shape(), &once, &axes, array.ty().dtype())?;
        buffer.swapped = array.swapped();
        let strides = buffer.strides.clone();
        // SAFETY: the elements under `once` are some of those that both views describe; the buffer
        // was just allocated and is not shared.
        let (from, to) = unsafe {
            let (ty, swapped) = (array.ty(), array.swapped());
            let from = ArrayRef::from_raw(array.data(), &once, array.strides(), ty, swapped, false);
            (from, ArrayRef::from_raw(buffer.data.as_ptr(), &once, &strides, ty, swapped, true))
        };
        copy(&LoopPlan::new(&once, &[Some(&from), Some(&to)]), buffer.dtype, false);
        Ok(buffer)
    }

    /// Memory for the elements of `stored`, shown as `shape`, of which `stored` may have less.
    fn allocate(shape: &[isize], stored: &[isize], axes: &[u8], dtype: DType) -> Result<Buffer, Error> {
        let bytes = element_count(stored).and_then(|count| count.checked_mul(dtype.size()));
        let layout = bytes.and_then(|bytes| Layout::from_size_align(bytes, 64).ok()).ok_or_else(|| {
            let rule = "`arr.size * arr.dtype.itemsize` is larger than the maximum possible size.";
            Error::Value(format!("array is too big; {rule}"))
        })?;
        let data = match layout.size() {
            0 => NonNull::new(std::ptr::without_provenance_mut(64)),
            // SAFETY: the size is not zero.
            _ => NonNull::new(unsafe { alloc::alloc(layout) }),
        };
        let mut strides = strides_for(stored, axes, dtype.size());
        for ((stride, &own), &extent) in strides.iter_mut().zip(stored).zip(shape) {
            if own != extent {
                *stride = 0;
            }
        }
        let data = data.ok_or_else(|| {
            let (size, shape) = (display_size(layout.size()), display_shape(stored));
            Error::Memory(format!("Unable to allocate {size} for an array with shape {shape} and data type {dtype}"))
        })?;
        Ok(Buffer { data, layout, shape: Shape::from_slice(shape), strides, dtype, swapped: false })
    }

    /// The buffer as an array, which may be written.
    pub fn view(&self) -> ArrayRef<'_> {
        // SAFETY: shape and strides are those of the memory, which lives as long as the borrow; only
        // plans that their maker runs one after another use the views.
        unsafe {
            let ty = Type::Strong(self.dtype);
            ArrayRef::from_raw(self.data.as_ptr(), &self.shape, &self.strides, ty, self.swapped, true)
        }
    }

    /// Copies another array of the same dtype, broadcast to the buffer's shape, into the buffer,
    /// which takes on its byte order.
    ///
    /// # Panics
    /// If dtypes differ or the shape doesn't broadcast.
    pub fn copy_from(&mut self, from: &ArrayRef) {
        assert_eq!(from.ty().dtype(), self.dtype);
        self.swapped = from.swapped();
        let to = self.view();
        copy(&LoopPlan::new(&self.shape, &[Some(from), Some(&to)]), self.dtype, false);
    }

    /// Copies the buffer, broadcast, to another array of the same dtype and byte order, where the mask, if
    /// there is one, holds. In C order of the indices: where that array shows one element twice, the last
    /// index stays.
    ///
    /// # Panics
    /// If the array can't be written, dtypes or byte orders differ, a mask is not of bools, or a shape
    /// doesn't broadcast.
    pub fn copy_to(&self, to: &ArrayRef, mask: Option<&ArrayRef>) {
        assert!(to.writable() && to.ty().dtype() == self.dtype && to.swapped() == self.swapped);
        assert!(mask.is_none_or(|mask| mask.ty().dtype() == DType::Bool));
        let operands = [Some(&self.view()), Some(to), mask];
        let operands = if mask.is_some() { &operands[..] } else { &operands[..2] };
        if super::overlap::has_internal_overlap(to) {
            copy(&LoopPlan::in_order(to.shape(), operands), self.dtype, mask.is_some());
        } else {
            copy(&LoopPlan::new(to.shape(), operands), self.dtype, mask.is_some());
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.layout.size() > 0 {
            // SAFETY: allocated with this layout by `allocate`.
            unsafe { alloc::dealloc(self.data.as_ptr(), self.layout) }
        }
    }
}

/// NumPy's form of a number of bytes: `1.00 GiB`.
fn display_size(bytes: usize) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let unit = (bytes.max(1).ilog2() / 10) as usize;
    match unit {
        0 => format!("{bytes} bytes"),
        _ => format!("{:.2} {}", bytes as f64 / (1u64 << (10 * unit)) as f64, units[unit]),
    }
}

/// Copies operand 0 to operand 1, both of this dtype; if it is masked, where operand 2 holds.
fn copy(plan: &LoopPlan, dtype: DType, is_masked: bool) {
    let entry: Entry = match (dtype.size(), is_masked) {
        (1, false) => copy_elements::<1, false>,
        (2, false) => copy_elements::<2, false>,
        (4, false) => copy_elements::<4, false>,
        (_, false) => copy_elements::<8, false>,
        (1, true) => copy_elements::<1, true>,
        (2, true) => copy_elements::<2, true>,
        (4, true) => copy_elements::<4, true>,
        (_, true) => copy_elements::<8, true>,
    };
    let done = run(plan, &entry, threads::threads_for(plan.work()), &|| false);
    debug_assert_eq!(done, Ok(()));
}

/// An [`Entry`] that copies elements of `N` bytes from operand 0 to operand 1, where operand 2 holds, if it is
/// masked.
///
/// # Safety
/// As for every [`Entry`].
unsafe extern "C" fn copy_elements<const N: usize, const MASKED: bool>(
    pointers: *const *mut u8,
    inner_strides: *const isize,
    outer_strides: *const isize,
    inner: usize,
    outer: usize,
) -> u64 {
    // SAFETY: by the contract of `Entry` the lists have two items, or three with a mask, and the addresses
    // below are those of elements; arrays of bytes need no alignment.
    unsafe {
        let (from_stride, to_stride) = (*inner_strides, *inner_strides.add(1));
        for j in 0..outer as isize {
            let from = (*pointers).wrapping_offset(j * *outer_strides);
            let to = (*pointers.add(1)).wrapping_offset(j * *outer_strides.add(1));
            let holds = |i: isize| {
                let row = (*pointers.add(2)).wrapping_offset(j * *outer_strides.add(2));
                *row.wrapping_offset(i * *inner_strides.add(2)) != 0
            };
            if !MASKED && from_stride == N as isize && to_stride == N as isize {
                // Not `copy_nonoverlapping`: an array may be copied onto itself.
                std::ptr::copy(from, to, inner * N);
                continue;
            }
            for i in 0..inner as isize {
                if MASKED && !holds(i) {
                    continue;
                }
                let element = from.wrapping_offset(i * from_stride).cast::<[u8; N]>().read();
                to.wrapping_offset(i * to_stride).cast::<[u8; N]>().write(element);
            }
        }
    }
    0
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A view of no memory, for what only looks at addresses, shapes and strides.
    pub(crate) fn unread_view<'a>(
        address: isize,
        shape: &'a [isize],
        strides: &'a [isize],
        dtype: DType,
    ) -> ArrayRef<'a> {
        let data = std::ptr::without_provenance_mut(address as usize);
        // SAFETY: for tests that never read an element.
        unsafe { ArrayRef::from_raw(data, shape, strides, Type::Strong(dtype), false, true) }
    }

    /// A small generator of random numbers (SplitMix64); prints its seed.
    pub(crate) struct Random(u64);

    impl Random {
        pub(crate) fn new(name: &str) -> Random {
            let given = std::env::var("NUMFUSE_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
            let seed = given.unwrap_or_else(|| {
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                now.map_or(1, |time| time.as_nanos() as u64)
            });
            println!("{name}: NUMFUSE_TEST_SEED={seed}");
            Random(seed)
        }

        pub(crate) fn below(&mut self, limit: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) % limit as u64) as usize
        }

        /// A shape of few elements and any strides.
        pub(crate) fn small_view(&mut self) -> (Vec<isize>, Vec<isize>) {
            let ndim = self.below(4);
            let shape = (0..ndim).map(|_| self.below(5) as isize).collect();
            let unit = [1, 4, 8][self.below(3)];
            let strides = (0..ndim).map(|_| (self.below(21) as isize - 10) * unit).collect();
            (shape, strides)
        }
    }

    fn view_of<'a>(values: &'a [f64], start: usize, shape: &'a [isize], strides: &'a [isize]) -> ArrayRef<'a> {
        let data = (&raw const values[start]).cast_mut().cast();
        // SAFETY: the tests below give shapes and strides that stay within the values.
        unsafe { ArrayRef::from_raw(data, shape, strides, Type::Strong(DType::F64), false, false) }
    }

    fn elements(buffer: &Buffer) -> Vec<f64> {
        let shape = buffer.shape.to_vec();
        let packed = Buffer::new(&shape, DType::F64).expect("small");
        buffer.copy_to(&packed.view(), None);
        let count = element_count(&shape).expect("small");
        // SAFETY: the buffer is in C order, and all its elements were just written.
        (0..count).map(|k| unsafe { packed.data.cast::<f64>().add(k).read() }).collect()
    }

    #[test]
    fn snapshots_hold_the_elements() {
        let values: Vec<f64> = (0..24).map(f64::from).collect();
        let transposed = Buffer::snapshot(&view_of(&values, 0, &[2, 3], &[8, 16])).expect("small");
        assert_eq!(elements(&transposed), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
        assert_eq!(transposed.strides.to_vec(), [8, 16]);
        let backward = Buffer::snapshot(&view_of(&values, 23, &[4], &[-24])).expect("small");
        assert_eq!(elements(&backward), [23.0, 20.0, 17.0, 14.0]);
        let repeated = Buffer::snapshot(&view_of(&values, 5, &[1 << 40, 2], &[0, 8])).expect("two elements");
        assert_eq!((repeated.layout.size(), repeated.strides.to_vec()), (16, vec![0, 8]));
        assert_eq!(repeated.view().shape(), [1 << 40, 2]);
        let scalar = Buffer::snapshot(&view_of(&values, 7, &[], &[])).expect("small");
        assert_eq!(elements(&scalar), [7.0]);
        let empty = Buffer::snapshot(&view_of(&values, 0, &[0, 3], &[0, 0])).expect("small");
        assert_eq!(empty.view().shape(), [0, 3]);
        assert!(elements(&empty).is_empty());
    }

    #[test]
    fn copies_broadcast_and_keep_the_last_of_equal_places() {
        let values: Vec<f64> = (0..6).map(f64::from).collect();
        let mut buffer = Buffer::new(&[2, 3], DType::F64).expect("small");
        buffer.copy_from(&view_of(&values, 0, &[3], &[8]));
        assert_eq!(elements(&buffer), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
        buffer.copy_from(&view_of(&values, 0, &[2, 3], &[24, 8]));
        let target = [0.0; 4];
        // The rows of the target overlap: the second row is written last.
        let cells = target.map(std::cell::Cell::new);
        // SAFETY: both rows lie within the cells, which are not used while they are written.
        let to = unsafe {
            let data = cells.as_ptr().cast_mut().cast();
            ArrayRef::from_raw(data, &[2, 3], &[8, 8], Type::Strong(DType::F64), false, true)
        };
        buffer.copy_to(&to, None);
        assert_eq!(cells.iter().map(std::cell::Cell::get).collect::<Vec<f64>>(), [0.0, 3.0, 4.0, 5.0]);
        // What is masked is not written, so that it is not the last.
        cells.iter().for_each(|cell| cell.set(9.0));
        let mask = [false, true, true, true, false, false].map(u8::from);
        // SAFETY: as many bytes as bools.
        let mask = unsafe {
            let data = mask.as_ptr().cast_mut();
            ArrayRef::from_raw(data, &[2, 3], &[3, 1], Type::Strong(DType::Bool), false, false)
        };
        buffer.copy_to(&to, Some(&mask));
        assert_eq!(cells.iter().map(std::cell::Cell::get).collect::<Vec<f64>>(), [9.0, 3.0, 2.0, 9.0]);
    }

    #[test]
    fn memory_that_there_is_not() {
        let refused = |shape: &[isize]| Buffer::new(shape, DType::F64).unwrap_err().to_string();
        let end = "for an array with shape (70368744177664,2) and data type float64";
        assert_eq!(refused(&[1 << 46, 2]), format!("Unable to allocate 1.00 PiB {end}"));
        assert!(refused(&[1 << 62, 8]).starts_with("array is too big; "));
    }
}
