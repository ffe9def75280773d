//! Folds the values of a loop that reduces, in the order that [`crate::ir::fold`] says: run by run, and
//! runs in pairs. Work is divided among threads along results, and where these are few, into aligned
//! subtrees, so that the tree is the same for any number of threads.
//!
//! # Safety
//! As for [`super::run`]: a plan reaches only elements of its views, and results and lines lie in memory of
//! ours. Tasks write different results, or different parts of the memory for subtrees.
#![allow(unsafe_code, reason = "calls generated code and folds untyped memory")]

use super::plan::{LoopPlan, ReducePlan};
use super::run::{Addresses, POLL, RunError, Runs, guard, step};

use super::threads::{self, Job};
use crate::array::ArrayRef;
use crate::ir::fold::{COLUMN_RUN, ROW_RUN};
use crate::math::block::dispatch::{Folding, ROWS, TREE};
use smallvec::SmallVec;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Elements of a task, about.
const TASK: usize = 1 << 15;
/// The most subtrees of a result.
const MOST_PARTS: usize = 1024;
/// The same where each has a whole row of results; with so many rows there are none.
const MOST_ROW_PARTS: usize = 16;
/// Elements of a line.
const LINE: usize = 2048;
/// Runs that the code folds in a call where other folds read the same operands.
const RUNS_BESIDE_OTHERS: usize = 4;
/// Bytes that are taken to be in the nearer caches.
const NEAR: usize = 1 << 19;
/// Rows that begin so many bytes apart are streams of their own to the processor, which fetches several at a time
/// sooner than one. What lies closer together is one stream, if it is far away.
const STREAM: usize = 1 << 12;
/// Elements of rows that are joined: those of operands, and of lines.
const WIDE_TILE: usize = 2048;
const TILE: usize = 512;

/// A fold of a loop.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The functions.
    pub folding: Folding,
    /// Bytes of a value.
    pub size: usize,
    /// How many parts a value has, of one size each.
    pub parts: usize,
    /// The operands that the parts of results go to, where something reads them.
    pub results: [Option<usize>; 2],
    /// Where what is folded comes from.
    pub source: Source,
    /// Is the first value that is not the identity the result, so that the others need not be computed?
    pub decides: bool,
}

/// Where the values of a fold come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An operand's elements.
    Operand(usize),
    /// The code stores them to a line.
    Values,
    /// The code folds them by runs, and stores what these fold to.
    Runs,
}

impl Target {
    /// Does the code store anything of it?
    fn has_line(&self) -> bool {
        !matches!(self.source, Source::Operand(_))
    }

    /// How many words hold a value.
    fn words(&self) -> usize {
        self.size.div_ceil(size_of::<u64>())
    }

    /// The operands that are its line: one for each part.
    fn lines(&self) -> usize {
        if self.has_line() { self.parts } else { 0 }
    }

    /// The parts of results that something reads: where in a result they are, of how many bytes, and the operands
    /// that they go to.
    fn results(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let size = self.size / self.parts;
        let part = move |(part, operand): (usize, Option<usize>)| operand.map(|operand| (part * size, size, operand));
        self.results.into_iter().enumerate().filter_map(part)
    }

    /// Folds a run of packed values.
    ///
    /// # Safety
    /// So many values can be read, and there is a place for what they fold to.
    unsafe fn fold_run(&self, count: usize, values: *const u8, to: *mut u8) {
        // SAFETY: by the caller's word.
        unsafe {
            write(to, self.folding.identity.to_le(), self.size);
            (self.folding.run)(count, [values].as_ptr(), to);
        }
    }

    /// What at most [`TREE`] runs fold to, by what each of them does.
    ///
    /// # Safety
    /// So many values can be read.
    unsafe fn join_runs(&self, count: usize, folded: *const u8) -> u128 {
        let mut value = 0u128;
        // SAFETY: by the caller's word; any value fits.
        unsafe { (self.folding.tree)(count, [folded].as_ptr(), (&raw mut value).cast()) };
        value
    }

    /// Writes a result, each part to the place that its operand has.
    ///
    /// # Safety
    /// There is room for an element at these places.
    unsafe fn write(&self, value: u128, place: impl Fn(usize) -> *mut u8) {
        for (at, size, operand) in self.results() {
            // SAFETY: by the caller's word.
            unsafe { write(place(operand), value >> (8 * at), size) };
        }
    }

    /// Copies a packed row of results to the places and with the strides that the operands have.
    ///
    /// # Safety
    /// The values can be read, and the elements written.
    unsafe fn scatter(&self, from: *const u8, count: usize, place: impl Fn(usize) -> (*mut u8, isize)) {
        for (at, size, operand) in self.results() {
            let (to, stride) = place(operand);
            // SAFETY: by the caller's word.
            unsafe {
                if size == self.size && stride == size as isize {
                    std::ptr::copy_nonoverlapping(from, to, count * size);
                    continue;
                }
                for index in 0..count {
                    let to = to.wrapping_offset(stride * index as isize);
                    std::ptr::copy_nonoverlapping(from.wrapping_add(index * self.size + at), to, size);
                }
            }
        }
    }
}

/// Runs a loop that reduces, on up to `threads` threads. The code, if it is needed, must have been made for
/// the plan's layouts, with a packed operand more for each target without a source. There must be elements.
///
/// # Errors
/// As [`super::run::run`].
pub fn reduce<R: Runs>(
    plan: &ReducePlan,
    code: Option<&R>,
    targets: &[Target],
    threads: usize,
    interrupted: &dyn Fn() -> bool,
) -> Result<(), RunError> {
    let division = Division::new(plan, targets);
    let mut asked = Instant::now();
    let mut go_on = || {
        if asked.elapsed() < POLL {
            return true;
        }
        let go_on = !interrupted();
        asked = Instant::now();
        go_on
    };
    let threads = threads.min(division.tasks);
    if threads == 1 {
        let progress = Progress::new(&division, targets);
        let work =
            Work { plan, pointers: &plan.plan.pointers, code, targets, division: &division, progress: &progress };
        return work.run(|work| work.take_part(&mut go_on));
    }
    let shared = Arc::new(Shared {
        plan: plan.unbound(),
        code: code.cloned(),
        targets: targets.into(),
        division,
        progress: Progress::new(&division, targets),
    });
    shared.work().run(|work| {
        let mine = || {
            let _stop = StopAtEnd(&shared.progress);
            work.take_part(&mut go_on)
        };
        // No thread takes part when this returns: the plan is not used after its views.
        threads::share(shared.clone(), threads - 1, mine)
    })
}

/// How the work is divided; depends on the plan alone.
#[derive(Clone, Copy, Debug)]
struct Division {
    /// Positions on the axes that are kept, the innermost of a plan of columns apart.
    kept: usize,
    /// Values of a result.
    values: usize,
    /// Columns of a tile, and tiles across a row; 1 where the innermost axis is reduced.
    tile: usize,
    tiles: usize,
    /// Positions times tiles: results that are computed together.
    results: usize,
    /// Results in a task.
    group: usize,
    /// Values of a subtree, and how many subtrees a result has.
    part: usize,
    parts: usize,
    tasks: usize,
}

impl Division {
    fn new(plan: &ReducePlan, targets: &[Target]) -> Division {
        let extents = plan.plan.extents();
        let columns = usize::from(plan.is_columns);
        let row = if plan.is_columns { extents[0] } else { 1 };
        let values: usize = extents[columns..][..plan.reduced].iter().product();
        let kept: usize = extents[columns + plan.reduced..].iter().product();
        let widest = if targets.iter().any(Target::has_line) { TILE } else { WIDE_TILE };
        let tiles = row.div_ceil(widest);
        let tile = row.div_ceil(tiles);
        let results = kept * tiles;
        let (run, most) = if plan.is_columns { (COLUMN_RUN, MOST_ROW_PARTS) } else { (ROW_RUN, MOST_PARTS) };
        let runs = values.div_ceil(run);
        let each = (TASK / (run * tile)).next_power_of_two().max(runs.div_ceil(most).next_power_of_two());
        let is_whole = runs <= each || results >= MOST_ROW_PARTS;
        let part = if is_whole { values } else { each * run };
        let parts = values.div_ceil(part);
        let group = if is_whole { (TASK / values.saturating_mul(tile)).clamp(1, results) } else { 1 };
        let tasks = results.div_ceil(group) * parts;
        Division { kept, values, tile, tiles, results, group, part, parts, tasks }
    }
}

/// Memory for values, so many words each, that tasks write in different places.
struct Cells {
    memory: Box<[std::cell::UnsafeCell<u64>]>,
    words: usize,
}

impl Cells {
    fn new(count: usize, words: usize) -> Cells {
        Cells { memory: (0..count * words).map(|_| std::cell::UnsafeCell::new(0)).collect(), words }
    }

    /// The address of a cell.
    fn at(&self, index: usize) -> *mut u8 {
        self.memory[index * self.words..].as_ptr().cast_mut().cast()
    }
}

/// A loop in work.
struct Work<'w, R> {
    plan: &'w ReducePlan<'w>,
    /// The plan's, or others for which it holds as well.
    pointers: &'w [*mut u8],
    code: Option<&'w R>,
    targets: &'w [Target],
    division: &'w Division,
    progress: &'w Progress,
}

/// How far it is.
struct Progress {
    /// For each target the results of subtrees: for each result its parts, one after another.
    parts: SmallVec<[Cells; 2]>,
    next: AtomicUsize,
    /// Nobody shall take another task.
    stop: AtomicBool,
    /// The first task that failed, and why.
    failure: Mutex<Option<(usize, RunError)>>,
}

impl Progress {
    fn new(division: &Division, targets: &[Target]) -> Progress {
        let slots = if division.parts > 1 { division.results * division.parts * division.tile } else { 0 };
        Progress {
            parts: targets.iter().map(|target| Cells::new(slots, target.words())).collect(),
            next: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }
}

/// A loop that several threads work on.
struct Shared<R> {
    plan: ReducePlan<'static>,
    code: Option<R>,
    targets: SmallVec<[Target; 2]>,
    division: Division,
    progress: Progress,
}

// SAFETY: the pointers in it are used by tasks, of which each is taken by one thread and writes what no
// other does; and only while `reduce` holds the borrow of the plan.
unsafe impl<R: Runs> Send for Shared<R> {}
// SAFETY: as above.
unsafe impl<R: Runs> Sync for Shared<R> {}

impl<R: Runs> Shared<R> {
    fn work(&self) -> Work<'_, R> {
        let Shared { plan, code, targets, division, progress } = self;
        Work { plan, pointers: &plan.plan.pointers, code: code.as_ref(), targets, division, progress }
    }
}

impl<R: Runs> Job for Shared<R> {
    fn work(&self, _: usize) {
        Shared::work(self).take_part(&mut || true);
    }
}

struct StopAtEnd<'a>(&'a Progress);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

/// The plan of a loop that reduces, and its code, for operands of its operands' types, shapes and strides,
/// wherever they are.
#[derive(Debug)]
pub struct FoldPlacement<R> {
    plan: ReducePlan<'static>,
    /// From each operand's address to that of the element that is visited first.
    offsets: SmallVec<[isize; 8]>,
    code: Option<R>,
    targets: Box<[Target]>,
    division: Division,
    /// Of one result of few runs, the strides of the code's operands and lines: along a run, and from run to run.
    few_runs: Option<[Box<[isize]>; 2]>,
}

// SAFETY: the plan's pointers are never used, but only those of a call.
unsafe impl<R: Runs> Send for FoldPlacement<R> {}
// SAFETY: as above.
unsafe impl<R: Runs> Sync for FoldPlacement<R> {}

impl<R: Runs> FoldPlacement<R> {
    /// What a plan does with these operands of a program.
    pub fn new(plan: &ReducePlan, code: Option<&R>, targets: &[Target], operands: &[ArrayRef]) -> FoldPlacement<R> {
        let offset = |(pointer, array): (&*mut u8, &ArrayRef)| match pointer.is_null() {
            true => 0,
            false => (*pointer as isize).wrapping_sub(array.origin() as isize),
        };
        let division = Division::new(plan, targets);
        let is_folded = |target: &Target| target.source != Source::Values && !target.decides;
        let is_one_row = !plan.is_columns && plan.reduced == 1 && division.results == 1;
        let are_few = is_one_row && division.values <= TREE * ROW_RUN && targets.iter().all(is_folded);
        let lines = || targets.iter().filter(|target| target.has_line());
        let few_runs = are_few.then(|| {
            let along = plan.plan.strides(0).iter();
            [
                along.clone().copied().chain(lines().map(|_| 0)).collect(),
                along.map(|stride| stride * ROW_RUN as isize).chain(lines().map(|line| line.size as isize)).collect(),
            ]
        });
        FoldPlacement {
            offsets: plan.plan.pointers.iter().zip(operands).map(offset).collect(),
            plan: plan.unbound(),
            code: code.cloned(),
            targets: targets.into(),
            division,
            few_runs,
        }
    }

    /// Runs over operands at these addresses; `places` says which address each operand has.
    ///
    /// # Errors
    /// As [`reduce`].
    ///
    /// # Panics
    /// If there is nothing at such a place.
    pub fn run(&self, at: &Addresses, places: &[u8]) -> Result<(), RunError> {
        let address = |(&place, offset): (&u8, &isize)| {
            let address = at.at(place.into());
            assert!(!address.is_null(), "an operand is missing");
            address.wrapping_offset(*offset)
        };
        assert_eq!(places.len(), self.offsets.len());
        let pointers: SmallVec<[*mut u8; 8]> = places.iter().zip(&self.offsets).map(address).collect();
        if let Some([along, across]) = &self.few_runs {
            return self.fold_few_runs(&pointers, along, across);
        }
        let FoldPlacement { plan, code, targets, division, .. } = self;
        let progress = Progress::new(division, targets);
        let work = Work { plan, pointers: &pointers, code: code.as_ref(), targets, division, progress: &progress };
        work.run(|work| work.take_part(&mut || true))
    }

    /// Folds at most [`TREE`] runs of one result, as a [`Work`] would, without the lists that it needs.
    fn fold_few_runs(&self, pointers: &[*mut u8], along: &[isize], across: &[isize]) -> Result<(), RunError> {
        let values = self.division.values;
        let (whole, rest) = (values / ROW_RUN, values % ROW_RUN);
        // For each target what runs fold to.
        let mut folded: SmallVec<[[u64; TREE]; 2]> = SmallVec::from_elem([0; TREE], self.targets.len());
        if let Some(code) = &self.code {
            let lines = self.targets.iter().zip(&mut folded).filter(|(target, _)| target.has_line());
            let lines = lines.map(|(_, folded)| folded.as_mut_ptr().cast());
            let mut at: SmallVec<[*mut u8; 8]> = pointers.iter().copied().chain(lines).collect();
            for (count, runs) in [(ROW_RUN, whole), (rest, 1)] {
                if count > 0 && runs > 0 {
                    // SAFETY: the lists have an item for each operand of the code; the elements are those of the plan's
                    // views, and there is room for what so many runs fold to, of eight bytes at most.
                    guard(unsafe { code.call(at.as_ptr(), along.as_ptr(), across.as_ptr(), count, runs) })?;
                    step(&mut at, across, runs as isize);
                }
            }
        }
        for (target, folded) in self.targets.iter().zip(&mut folded) {
            if let Source::Operand(operand) = target.source {
                for (run, first) in (0..values).step_by(ROW_RUN).enumerate() {
                    let from = pointers[operand].wrapping_offset(along[operand] * first as isize).cast_const();
                    let to = folded.as_mut_ptr().cast::<u8>().wrapping_add(run * target.size);
                    // SAFETY: a run's elements are there, packed, and room for what so many runs fold to.
                    unsafe { target.fold_run(ROW_RUN.min(values - first), from, to) };
                }
            }
            // SAFETY: so many elements were written above; the only result, in memory of ours.
            unsafe {
                let value = target.join_runs(values.div_ceil(ROW_RUN), folded.as_ptr().cast());
                target.write(value, |operand| pointers[operand]);
            }
        }
        Ok(())
    }
}

/// Memory that no vector of any machine's crosses the end of.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct CacheLine(#[expect(dead_code, reason = "reached by its address")] [u64; 8]);

/// A thread's own memory.
struct Scratch {
    /// For each target a line, where it has one.
    lines: SmallVec<[Vec<u64>; 2]>,
    /// For each target what runs fold to.
    folded: SmallVec<[Vec<u64>; 2]>,
    /// For each target the subtrees that wait for their neighbours, each of a tile's width.
    waiting: SmallVec<[Vec<CacheLine>; 2]>,
    /// Where each operand and line is.
    pointers: SmallVec<[*mut u8; 8]>,
    inner: SmallVec<[isize; 8]>,
    outer: SmallVec<[isize; 8]>,
}

impl<'w, R: Runs> Work<'w, R> {
    /// Runs everything; `tasks` runs the tasks, or says that it was interrupted.
    fn run(&self, tasks: impl FnOnce(&Self) -> bool) -> Result<(), RunError> {
        let completed = tasks(self);
        let failure = self.progress.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        match failure {
            _ if !completed => return Err(RunError::Interrupted),
            Some((_, error)) => return Err(error),
            None => {}
        }
        if self.division.parts > 1 {
            // SAFETY: all tasks are done, and nobody else works on results or parts.
            unsafe { self.join_parts() };
        }
        Ok(())
    }

    /// Runs tasks until none is left or `go_on`, asked before each, says no; false in that case.
    fn take_part(&self, go_on: &mut dyn FnMut() -> bool) -> bool {
        let mut scratch = self.scratch();
        while !self.progress.stop.load(Ordering::Relaxed) {
            let task = self.progress.next.fetch_add(1, Ordering::Relaxed);
            if task >= self.division.tasks {
                break;
            }
            if self.division.tasks > 1 && !go_on() {
                return false;
            }
            // SAFETY: a task is taken once.
            if let Err(error) = unsafe { self.task(task, &mut scratch) } {
                let mut failure = self.progress.failure.lock().unwrap_or_else(PoisonError::into_inner);
                if failure.as_ref().is_none_or(|(first, _)| task < *first) {
                    *failure = Some((task, error));
                }
                // Tasks are taken in order: those before this one are in work already.
                self.progress.stop.store(true, Ordering::Relaxed);
            }
        }
        true
    }

    fn plan(&self) -> &'w LoopPlan<'w> {
        &self.plan.plan
    }

    /// Does the code fold runs?
    fn folds_runs(&self) -> bool {
        self.targets.iter().any(|target| target.source == Source::Runs)
    }

    fn scratch(&self) -> Scratch {
        let Division { part, .. } = *self.division;
        let run = if self.plan.is_columns { COLUMN_RUN } else { ROW_RUN };
        // One for each binary digit of the number of runs, and the one in work.
        let levels = part.div_ceil(run).ilog2() as usize + 2;
        let operands = self.pointers.len();
        let lines = self.targets.iter().map(Target::lines).sum();
        let line = |target: &Target| match target.source {
            Source::Values => Vec::with_capacity(LINE.min(self.plan().elements()) * target.words()),
            _ => Vec::new(),
        };
        // Along rows, a counter holds those that wait.
        let (folded, waiting) = if self.plan.is_columns { (0, levels) } else { (TREE, 0) };
        Scratch {
            lines: self.targets.iter().map(line).collect(),
            folded: self.targets.iter().map(|target| Vec::with_capacity(folded * target.words())).collect(),
            waiting: self
                .targets
                .iter()
                .map(|target| vec![CacheLine::default(); waiting * self.sums(target)])
                .collect(),
            pointers: SmallVec::from_elem(std::ptr::null_mut(), operands + lines),
            inner: self.plan().strides(0).iter().copied().chain(std::iter::repeat_n(0, lines)).collect(),
            outer: self.plan().strides(1).iter().copied().chain(std::iter::repeat_n(0, lines)).collect(),
        }
    }

    /// # Safety
    /// Each task is run once.
    unsafe fn task(&self, task: usize, scratch: &mut Scratch) -> Result<(), RunError> {
        let Division { tiles, results, group, part, parts, values, .. } = *self.division;
        let (first, subtree) = (task / parts * group, task % parts);
        let from = subtree * part;
        let to = (from + part).min(values);
        let mut result = first;
        while result < (first + group).min(results) {
            let (position, tile) = (result / tiles, result % tiles);
            // SAFETY: the ranges are within the plan's extents.
            result += unsafe {
                match self.plan.is_columns {
                    true => self.columns(position, tile, subtree, from..to, scratch)?,
                    false if values <= ROW_RUN => {
                        self.short_rows(position, (first + group).min(results) - result, scratch)?
                    }
                    false if self.are_few_runs() => {
                        self.rows_of_few_runs(position, (first + group).min(results) - result, scratch)?
                    }
                    false => {
                        self.row(position, subtree, from..to, scratch)?;
                        1
                    }
                }
            };
        }
        Ok(())
    }

    /// Points to the first element at a position on the further axes that are kept.
    fn place(&self, pointers: &mut [*mut u8], position: usize) {
        let plan = self.plan();
        let axes = usize::from(self.plan.is_columns) + self.plan.reduced;
        pointers[..self.pointers.len()].copy_from_slice(self.pointers);
        let mut rest = position;
        for (axis, extent) in plan.extents().iter().enumerate().skip(axes) {
            step(pointers, plan.strides(axis), (rest % extent) as isize);
            rest /= extent;
        }
    }

    /// Lets the code store values to the lines: of `outer` rows of `inner` elements from where the scratch's
    /// pointers are, behind the `done` elements of a line.
    ///
    /// # Safety
    /// The elements are within the plan's extents, and the lines have room.
    unsafe fn store_to_lines(
        &self,
        scratch: &mut Scratch,
        done: usize,
        inner: usize,
        outer: usize,
    ) -> Result<(), RunError> {
        let Some(code) = self.code else { return Ok(()) };
        let mut operand = self.pointers.len();
        for (target, line) in self.targets.iter().zip(&mut scratch.lines) {
            for part in 0..target.lines() {
                let at = done * target.size + part * (target.size / target.parts);
                scratch.pointers[operand] = line.as_mut_ptr().cast::<u8>().wrapping_add(at);
                scratch.inner[operand] = target.size as isize;
                scratch.outer[operand] = (target.size * inner) as isize;
                operand += 1;
            }
        }
        // SAFETY: the lists have an item for each operand of the code; the elements are those of the plan's
        // views, by the caller's word, and of lines that have room.
        guard(unsafe {
            code.call(scratch.pointers.as_ptr(), scratch.inner.as_ptr(), scratch.outer.as_ptr(), inner, outer)
        })
    }

    /// Fills the lines with values of the one result that the pointers are at, counted over the reduced axes.
    ///
    /// # Safety
    /// The values are among those of a result; there are at most as many as a line holds.
    unsafe fn fill_values(&self, scratch: &mut Scratch, from: usize, count: usize) -> Result<(), RunError> {
        let extents = self.plan().extents();
        let base = scratch.pointers.clone();
        let (mut at, mut done) = (from, 0);
        while done < count {
            let (within, row) = (at % extents[0], at / extents[0]);
            let left = count - done;
            let (inner, outer) = match self.plan.reduced {
                1 => (left, 1),
                // Whole rows, as long as the second axis goes on.
                _ if within == 0 && left >= extents[0] => {
                    (extents[0], (left / extents[0]).min(extents[1] - row % extents[1]))
                }
                _ => (left.min(extents[0] - within), 1),
            };
            self.go_to(scratch, &base, 0, at);
            // SAFETY: these are some of the values.
            unsafe { self.store_to_lines(scratch, done, inner, outer)? };
            at += inner * outer;
            done += inner * outer;
        }
        scratch.pointers = base;
        Ok(())
    }

    /// Points to a place on the reduced axes, of which the first has this number, from a place at their
    /// beginnings.
    fn go_to(&self, scratch: &mut Scratch, base: &[*mut u8], axis: usize, at: usize) {
        let plan = self.plan();
        scratch.pointers.copy_from_slice(base);
        let mut rest = at;
        for axis in axis..axis + self.plan.reduced {
            let is_last = axis + 1 == self.plan.reduced + usize::from(self.plan.is_columns);
            let extent = plan.extents()[axis];
            let index = if is_last { rest } else { rest % extent };
            step(&mut scratch.pointers, plan.strides(axis), index as isize);
            rest /= extent;
        }
    }

    /// Lets the code fold `outer` runs of `inner` values each, from where the scratch's pointers are, to the places
    /// of the targets: by their addresses and the distance from one run's to the next's.
    ///
    /// # Safety
    /// The values are within the plan's extents, so far apart from run to run, and there is room for results.
    unsafe fn fold_runs(
        &self,
        scratch: &mut Scratch,
        places: impl Fn(usize, &mut Scratch) -> (*mut u8, isize),
        strides: impl Fn(usize) -> isize,
        inner: usize,
        outer: usize,
    ) -> Result<(), RunError> {
        let Some(code) = self.code else { return Ok(()) };
        let operands = self.pointers.len();
        (0..operands).for_each(|operand| scratch.outer[operand] = strides(operand));
        let mut line = operands;
        for k in 0..self.targets.len() {
            if self.targets[k].has_line() {
                (scratch.pointers[line], scratch.outer[line]) = places(k, scratch);
                line += 1;
            }
        }
        // SAFETY: as the caller says; the code writes one element a row to each line.
        guard(unsafe {
            code.call(scratch.pointers.as_ptr(), scratch.inner.as_ptr(), scratch.outer.as_ptr(), inner, outer)
        })
    }

    /// Folds the values of the result at a position, or of several such results, up to `most`, of which each is one
    /// run; says how many results.
    ///
    /// # Safety
    /// Only one task may work on these results.
    unsafe fn short_rows(&self, position: usize, most: usize, scratch: &mut Scratch) -> Result<usize, RunError> {
        let plan = self.plan();
        let count = self.division.values;
        self.place(&mut scratch.pointers, position);
        let base = scratch.pointers.clone();
        let extent = plan.extents().get(1).copied().unwrap_or(1);
        let rows = match self.plan.reduced {
            1 if self.folds_runs() => most.min(extent - position % extent),
            1 => (ROW_RUN / count).clamp(1, most.min(extent - position % extent)),
            _ => 1,
        };
        // Of rows beside each other.
        let step = |operand: usize| if rows > 1 { plan.strides(1)[operand] } else { 0 };
        // SAFETY: the values are the plan's, and a line holds as many short rows.
        unsafe {
            match self.folds_runs() {
                true => {
                    // What the code folds has one part.
                    let places = |k: usize, _: &mut Scratch| match self.targets[k].results[0] {
                        Some(result) => (base[result], step(result)),
                        None => (std::ptr::null_mut(), 0),
                    };
                    self.fold_runs(scratch, places, |operand| plan.strides(1)[operand], count, rows)?;
                }
                false if rows > 1 => self.store_to_lines(scratch, 0, count, rows)?,
                false if self.code.is_some() => self.fill_values(scratch, 0, count)?,
                false => {}
            }
        }
        for (k, target) in self.targets.iter().enumerate() {
            for row in 0..rows {
                let values = match target.source {
                    Source::Runs => break,
                    Source::Operand(operand) => base[operand].wrapping_offset(step(operand) * row as isize),
                    Source::Values => {
                        scratch.lines[k].as_mut_ptr().cast::<u8>().wrapping_add(row * count * target.size)
                    }
                };
                let mut value = 0u128;
                // SAFETY: a run's elements are there, packed; a place for a value of any type; the result of
                // this row, in memory of ours.
                unsafe {
                    target.fold_run(count, values, (&raw mut value).cast());
                    target.write(value, |operand| base[operand].wrapping_offset(step(operand) * row as isize));
                }
            }
        }
        Ok(rows)
    }

    /// Does the code fold everything, of each result so few runs that those of several are known at a time?
    fn are_few_runs(&self) -> bool {
        let Division { values, parts, .. } = *self.division;
        let is_folded = |target: &Target| target.source == Source::Runs;
        parts == 1 && 2 * values.div_ceil(ROW_RUN) <= TREE && self.targets.iter().all(is_folded)
    }

    /// Folds the values of the result at a position, and of more such results, up to `most`: the first run of each,
    /// then the second; says how many results.
    ///
    /// # Safety
    /// Only one task may work on these results.
    unsafe fn rows_of_few_runs(&self, position: usize, most: usize, scratch: &mut Scratch) -> Result<usize, RunError> {
        let plan = self.plan();
        let values = self.division.values;
        let runs = values.div_ceil(ROW_RUN);
        self.place(&mut scratch.pointers, position);
        let base = scratch.pointers.clone();
        let extent = plan.extents()[1];
        // Far memory is best read from its beginning to its end.
        let beside = if plan.bytes() <= NEAR { TREE / runs } else { 1 };
        let rows = beside.min(most).min(extent - position % extent);
        for run in 0..runs {
            let at = run * ROW_RUN;
            self.go_to(scratch, &base, 0, at);
            let places = |k: usize, scratch: &mut Scratch| {
                let size = self.targets[k].size;
                (scratch.folded[k].as_mut_ptr().cast::<u8>().wrapping_add(run * size), (runs * size) as isize)
            };
            // SAFETY: the runs are the plan's, and there is room for what as many as a tree takes fold to.
            unsafe {
                self.fold_runs(scratch, places, |operand| plan.strides(1)[operand], ROW_RUN.min(values - at), rows)?;
            }
        }
        for (k, target) in self.targets.iter().enumerate() {
            for row in 0..rows {
                let folded = scratch.folded[k].as_ptr().cast::<u8>().wrapping_add(row * runs * target.size);
                // SAFETY: so many elements were written above; the result of this row, in memory of ours.
                unsafe {
                    let value = target.join_runs(runs, folded);
                    target
                        .write(value, |operand| base[operand].wrapping_offset(plan.strides(1)[operand] * row as isize));
                }
            }
        }
        Ok(rows)
    }

    /// Folds some values of the result at a position.
    ///
    /// # Safety
    /// Only one task may work on this part of the results.
    unsafe fn row(
        &self,
        position: usize,
        subtree: usize,
        values: std::ops::Range<usize>,
        scratch: &mut Scratch,
    ) -> Result<(), RunError> {
        self.place(&mut scratch.pointers, position);
        let base = scratch.pointers.clone();
        let mut counters: SmallVec<[Counter; 2]> = self.targets.iter().map(|_| Counter::default()).collect();
        let mut decided: SmallVec<[bool; 2]> = SmallVec::from_elem(false, self.targets.len());
        // What is also folded where it lies should be in the caches then.
        let most = match self.targets.iter().all(Target::has_line) {
            _ if !self.folds_runs() => 1,
            true => TREE,
            false => RUNS_BESIDE_OTHERS,
        };
        let mut at = values.start;
        while at < values.end && !decided.iter().all(|decided| *decided) {
            let end = (at + TREE * ROW_RUN).min(values.end);
            let mut done = 0;
            while at < end && !decided.iter().all(|decided| *decided) {
                let whole = ((end - at) / ROW_RUN).min(most);
                let (count, runs) = if whole > 0 { (ROW_RUN, whole) } else { (end - at, 1) };
                // SAFETY: the values are the plan's, and no more runs than a tree takes.
                unsafe { self.runs(scratch, &base, at, [count, runs], done, &mut decided)? };
                done += runs;
                at += count * runs;
            }
            for (k, target) in self.targets.iter().enumerate() {
                // SAFETY: so many elements were written above.
                let value = unsafe { target.join_runs(done, scratch.folded[k].as_ptr().cast()) };
                counters[k].push(value, &target.folding);
            }
        }
        if self.division.results == 1 && at < values.end {
            // Subtrees that were not begun are zeros: that none is true, or that not all are.
            self.progress.stop.store(true, Ordering::Relaxed);
        }
        for (k, target) in self.targets.iter().enumerate() {
            let value = counters[k].finish(&target.folding);
            let Division { parts, .. } = *self.division;
            // SAFETY: the part of the result that is this task's.
            unsafe {
                match parts {
                    1 => target.write(value, |operand| base[operand]),
                    _ => write(self.progress.parts[k].at(position * parts + subtree), value, target.size),
                }
            }
        }
        Ok(())
    }

    /// Folds some runs of the result whose first element is at `base`, `runs` of `count` values each from `at` on, and
    /// keeps what they fold to behind what `done` others did; says which targets that decides.
    ///
    /// # Safety
    /// The values are the plan's; only the last run may be short, and alone; there are at most [`TREE`] with those
    /// that are done, and one where the code stores values.
    unsafe fn runs(
        &self,
        scratch: &mut Scratch,
        base: &[*mut u8],
        at: usize,
        [count, runs]: [usize; 2],
        done: usize,
        decided: &mut [bool],
    ) -> Result<(), RunError> {
        let plan = self.plan();
        // SAFETY: a line holds a run's values, and there is room for what so many runs fold to.
        unsafe {
            match self.folds_runs() {
                true => {
                    self.go_to(scratch, base, 0, at);
                    let places = |k: usize, scratch: &mut Scratch| {
                        let size = self.targets[k].size;
                        (scratch.folded[k].as_mut_ptr().cast::<u8>().wrapping_add(done * size), size as isize)
                    };
                    let strides = |operand: usize| plan.strides(0)[operand] * ROW_RUN as isize;
                    self.fold_runs(scratch, places, strides, count, runs)?;
                }
                false if self.code.is_some() => self.fill_values(scratch, at, count)?,
                false => {}
            }
        }
        for (k, target) in self.targets.iter().enumerate() {
            let Target { folding, source, decides, .. } = target;
            let folded = scratch.folded[k].as_mut_ptr().cast::<u8>();
            for run in 0..runs {
                let to = folded.wrapping_add((done + run) * target.size);
                let first = match *source {
                    Source::Runs => break,
                    Source::Operand(operand) => {
                        let distance = plan.strides(0)[operand] * (at + run * ROW_RUN) as isize;
                        base[operand].wrapping_offset(distance).cast_const()
                    }
                    Source::Values => scratch.lines[k].as_ptr().cast(),
                };
                // SAFETY: a run's elements are there, packed, and a place for what it folds to.
                unsafe {
                    target.fold_run(count, first, to);
                    decided[k] |= *decides && to.read() != folding.identity as u8;
                }
            }
        }
        Ok(())
    }

    /// Joins rows element by element: some values of the results of a tile.
    ///
    /// # Safety
    /// Only one task may work on this part of the results.
    unsafe fn columns(
        &self,
        position: usize,
        tile: usize,
        subtree: usize,
        values: std::ops::Range<usize>,
        scratch: &mut Scratch,
    ) -> Result<usize, RunError> {
        let plan = self.plan();
        let first = tile * self.division.tile;
        let width = self.division.tile.min(plan.extents()[0] - first);
        self.place(&mut scratch.pointers, position);
        step(&mut scratch.pointers, plan.strides(0), first as isize);
        let base = scratch.pointers.clone();
        // Rows that a line holds: whole runs, or a part of one.
        let room = LINE / width;
        let most = match self.code {
            Some(_) if room < COLUMN_RUN => 1 << room.ilog2(),
            Some(_) => room / COLUMN_RUN * COLUMN_RUN,
            None => COLUMN_RUN,
        };
        // What is one run is joined where results go, if they lie as sums do: packed, and aligned.
        let is_whole = self.division.parts == 1 && values.len() <= COLUMN_RUN;
        let in_place = |target: &Target| {
            let result = target.results[0].filter(|_| is_whole && target.parts == 1)?;
            let is_packed = plan.strides(0)[result] == target.size as isize;
            (is_packed && base[result].addr().is_multiple_of(target.size)).then_some(base[result])
        };
        let (mut at, mut waiting) = (values.start, 0);
        while at < values.end {
            let mut rows = most.min(values.end - at);
            if self.plan.reduced > 1 {
                // Calls go along the first of the reduced axes.
                rows = rows.min(plan.extents()[1] - at % plan.extents()[1]);
            }
            if self.code.is_some() {
                self.go_to(scratch, &base, 1, at);
                // SAFETY: the rows are the plan's, and a line holds them.
                unsafe { self.store_to_lines(scratch, 0, width, rows)? };
            }
            let mut row = 0;
            while row < rows {
                let in_run = (at + row - values.start) % COLUMN_RUN;
                if in_run == 0 {
                    waiting += 1;
                }
                let joined = (rows - row).min(COLUMN_RUN - in_run);
                for (k, target) in self.targets.iter().enumerate() {
                    let Target { folding, source, size, .. } = *target;
                    let sum = (waiting - 1) * self.sums(target);
                    let sum = match in_place(target) {
                        Some(result) => result,
                        None => scratch.waiting[k][sum..].as_mut_ptr().cast::<u8>(),
                    };
                    if in_run == 0 {
                        // SAFETY: the last of the subtrees' places, which is the run's, or that of results in place.
                        unsafe { fill(sum, folding.identity, width, size) };
                    }
                    let pointer = |row: usize| match source {
                        Source::Operand(operand) => self.row_of(operand, base[operand], at + row),
                        _ => scratch.lines[k].as_ptr().cast::<u8>().wrapping_add(row * width * size),
                    };
                    let mut pointers = [std::ptr::null(); COLUMN_RUN + 1];
                    pointers[..joined].iter_mut().enumerate().for_each(|(k, at)| *at = pointer(row + k));
                    // Are several rows joined side by side?
                    let is_beside = match source {
                        Source::Operand(operand) => {
                            plan.elements() * size <= NEAR || plan.strides(1)[operand].unsigned_abs() >= STREAM
                        }
                        _ => true,
                    };
                    // SAFETY: the rows' elements are there, packed; sums are apart from them.
                    unsafe {
                        match is_beside {
                            true => pointers[..joined].chunks(ROWS).for_each(|rows| {
                                (folding.rows[rows.len() - 1])(width, rows.as_ptr(), sum);
                            }),
                            false => (folding.rows_in_turn)(width, pointers.as_ptr(), sum),
                        }
                    }
                }
                row += joined;
                let done = at + row - values.start;
                if done.is_multiple_of(COLUMN_RUN) || at + row == values.end {
                    let run = done.div_ceil(COLUMN_RUN) - 1;
                    for _ in 0..run.trailing_ones() {
                        waiting -= 1;
                        self.join_waiting(scratch, waiting, width);
                    }
                }
            }
            at += rows;
        }
        while waiting > 1 {
            waiting -= 1;
            self.join_waiting(scratch, waiting, width);
        }
        for (k, target) in self.targets.iter().enumerate() {
            let Division { parts, tiles, tile: widest, .. } = *self.division;
            let sum = scratch.waiting[k].as_ptr().cast::<u8>();
            if in_place(target).is_some() {
                continue;
            }
            // SAFETY: the part of the results that is this task's.
            unsafe {
                match parts {
                    1 => target.scatter(sum, width, |operand| (base[operand], plan.strides(0)[operand])),
                    _ => {
                        let part = self.progress.parts[k].at(((position * tiles + tile) * parts + subtree) * widest);
                        std::ptr::copy_nonoverlapping(sum, part, width * target.size);
                    }
                }
            }
        }
        Ok(1)
    }

    /// How much memory a row of sums takes.
    fn sums(&self, target: &Target) -> usize {
        (self.division.tile * target.words()).div_ceil(size_of::<CacheLine>() / size_of::<u64>())
    }

    /// The address of an operand's row, counted over the reduced axes.
    fn row_of(&self, operand: usize, base: *mut u8, row: usize) -> *const u8 {
        let plan = self.plan();
        let (mut pointer, mut rest) = (base, row);
        for axis in 1..self.plan.reduced {
            let extent = plan.extents()[axis];
            pointer = pointer.wrapping_offset(plan.strides(axis)[operand] * (rest % extent) as isize);
            rest /= extent;
        }
        pointer.wrapping_offset(plan.strides(self.plan.reduced)[operand] * rest as isize)
    }

    /// Joins the row of sums of this number to the one before.
    fn join_waiting(&self, scratch: &mut Scratch, number: usize, width: usize) {
        for (k, target) in self.targets.iter().enumerate() {
            let row = self.sums(target);
            let (before, last) = scratch.waiting[k].split_at_mut(number * row);
            let before = &mut before[(number - 1) * row..];
            // SAFETY: both have room for a tile's values.
            unsafe { (target.folding.rows[0])(width, [last.as_ptr().cast()].as_ptr(), before.as_mut_ptr().cast()) };
        }
    }

    /// Joins the subtrees of each result.
    ///
    /// # Safety
    /// Nobody else works on results or parts.
    unsafe fn join_parts(&self) {
        let Division { kept, parts, tile, tiles, .. } = *self.division;
        let plan = self.plan();
        let mut pointers: SmallVec<[*mut u8; 8]> = self.pointers.into();
        for position in 0..kept {
            self.place(&mut pointers, position);
            for index in 0..tiles {
                let width = match self.plan.is_columns {
                    true => tile.min(plan.extents()[0] - index * tile),
                    false => 1,
                };
                for (k, target) in self.targets.iter().enumerate() {
                    let at =
                        |part: usize| self.progress.parts[k].at(((position * tiles + index) * parts + part) * tile);
                    let mut waiting: SmallVec<[usize; 16]> = SmallVec::new();
                    let join = |waiting: &mut SmallVec<[usize; 16]>| {
                        if let (Some(second), Some(&first)) = (waiting.pop(), waiting.last()) {
                            // SAFETY: two parts, each of a tile's width.
                            unsafe { (target.folding.rows[0])(width, [at(second).cast_const()].as_ptr(), at(first)) };
                        }
                    };
                    for part in 0..parts {
                        waiting.push(part);
                        (0..part.trailing_ones()).for_each(|_| join(&mut waiting));
                    }
                    while waiting.len() > 1 {
                        join(&mut waiting);
                    }
                    let place = |operand: usize| {
                        let stride = if self.plan.is_columns { plan.strides(0)[operand] } else { 0 };
                        (pointers[operand].wrapping_offset(stride * (index * tile) as isize), stride)
                    };
                    // SAFETY: the results of this position and tile.
                    unsafe { target.scatter(at(0), width, place) };
                }
            }
        }
    }
}

/// The subtrees of a result that wait for their neighbours, as a counter in binary carries.
#[derive(Default)]
struct Counter {
    waiting: SmallVec<[u128; 24]>,
    runs: usize,
}

impl Counter {
    fn push(&mut self, value: u128, folding: &Folding) {
        self.waiting.push(value);
        for _ in 0..self.runs.trailing_ones() {
            self.join(folding);
        }
        self.runs += 1;
    }

    fn join(&mut self, folding: &Folding) {
        if let (Some(second), Some(first)) = (self.waiting.pop(), self.waiting.last_mut()) {
            // SAFETY: one element each.
            unsafe { (folding.rows[0])(1, [(&raw const second).cast()].as_ptr(), std::ptr::from_mut(first).cast()) };
        }
    }

    fn finish(&mut self, folding: &Folding) -> u128 {
        while self.waiting.len() > 1 {
            self.join(folding);
        }
        self.waiting.pop().unwrap_or(folding.identity.to_le())
    }
}

/// Writes the first bytes of a value.
///
/// # Safety
/// There is room for so many.
unsafe fn write(to: *mut u8, value: u128, size: usize) {
    // SAFETY: by the caller's word.
    unsafe { std::ptr::copy_nonoverlapping((&raw const value).cast(), to, size) }
}

/// Fills a row with an element.
///
/// # Safety
/// There is room for it, aligned for its type.
unsafe fn fill(to: *mut u8, bits: u128, count: usize, size: usize) {
    // SAFETY: by the caller's word.
    unsafe {
        match size {
            1 => std::slice::from_raw_parts_mut(to, count).fill(bits as u8),
            2 => std::slice::from_raw_parts_mut(to.cast::<u16>(), count).fill(bits as u16),
            4 => std::slice::from_raw_parts_mut(to.cast::<u32>(), count).fill(bits as u32),
            8 => std::slice::from_raw_parts_mut(to.cast::<u64>(), count).fill(bits as u64),
            _ => std::slice::from_raw_parts_mut(to.cast::<[u64; 2]>(), count).fill([bits as u64, (bits >> 64) as u64]),
        }
    }
}
