//! Runs a loop that was cut at its block calls, chunk by chunk.
//!
//! What crosses a cut lies in scratch memory, which has one size for a loop, whatever the arrays are.

use crate::codegen::segment::{Action, Axes, Block, Line, LineId, Place, Segments};
use crate::codegen::{Entry, FAILED};
use crate::dtype::DType;
use crate::ir::OperandId;
use smallvec::SmallVec;
use std::mem::MaybeUninit;

/// Scratch memory for an element-wise value of a chunk, all lines together, in bytes: half a
/// first-level cache.
const SCRATCH: usize = 16 << 10;
/// The elements of a chunk: fewer cost calls.
const LEAST: usize = 128;
const MOST: usize = 1024;
/// The bytes of a chunk of one operand. With more, operands that come from far are slower: a chunk's
/// steps leave the memory idle until the processor has forgotten where it was reading on.
const MOST_BYTES: usize = 2 << 10;
/// The bytes of the widest vector, and the lanes of one of the narrowest.
const VECTOR: usize = 64;
/// Scratch memory for strings that are wider than vectors; or for one.
const SCRATCH_OF_STRINGS: usize = 256 << 10;
/// What lies between two lines, so that the same element of both is not at the same distance from
/// a page's beginning: a store to the one would hold up a load from the other.
const GAP: usize = 192;
/// Scratch memory of so many bytes is on the stack.
const ON_STACK: usize = 8 << 10;

/// The steps of a loop.
#[derive(Debug)]
pub(super) struct Steps {
    /// By axes in the order of [`Axes::ALL`]: where each kind begins, and the end.
    begins: [usize; 5],
    steps: Vec<Step>,
    operands: usize,
    lines: Vec<Line>,
    slots: usize,
    /// Bytes of the widest line's element.
    widest: usize,
    /// Elements of a chunk.
    chunk: usize,
    /// Are chunks rows or pieces of rows, one after another?
    in_order: bool,
}

#[derive(Debug)]
enum Step {
    Segment(Entry),
    Block { function: Block, args: SmallVec<[Operand; 2]>, out: Operand },
    Gather { operand: u32, line: u32, dtype: DType, swapped: bool },
    Scatter { operand: u32, line: u32, dtype: DType, swapped: bool },
    Index { operand: u32, line: u32 },
}

/// An argument or the result of a block call.
#[derive(Clone, Copy, Debug)]
struct Operand {
    /// The operand's number, if it is not in a line.
    operand: Option<u32>,
    /// The line's number, counted on from the operands.
    line: u32,
    dtype: DType,
}

/// The places of a chunk's operands and lines.
struct Chunk {
    pointers: SmallVec<[*mut u8; 24]>,
    inner_strides: SmallVec<[isize; 24]>,
    outer_strides: SmallVec<[isize; 24]>,
    inner: usize,
    outer: usize,
}

impl Steps {
    /// From the plan and the code of each of its segments.
    pub(super) fn new(segments: &Segments, entries: &[Entry], swapped: impl Fn(OperandId) -> bool) -> Steps {
        let operands = segments.program.operands.len() - segments.lines.len();
        let dtype = |operand: u32| segments.program.operands[operand as usize].dtype;
        let number = |line: LineId| operands as u32 + line.0;
        let place = |place: &Place| match *place {
            Place::Line(line) => Operand { operand: None, line: number(line), dtype: dtype(number(line)) },
            Place::Operand(operand, line) => {
                Operand { operand: Some(operand.0), line: number(line), dtype: dtype(operand.0) }
            }
        };
        let steps: Vec<Step> = segments
            .steps
            .iter()
            .map(|step| match &step.action {
                Action::Segment(index, _) => Step::Segment(entries[*index]),
                Action::Block(function, args, out) => {
                    Step::Block { function: *function, args: args.iter().map(place).collect(), out: place(out) }
                }
                Action::Gather(operand, line) => Step::Gather {
                    operand: operand.0,
                    line: number(*line),
                    dtype: dtype(operand.0),
                    swapped: swapped(*operand),
                },
                Action::Index(operand, line) => Step::Index { operand: operand.0, line: number(*line) },
                Action::Scatter(line, operand) => Step::Scatter {
                    operand: operand.0,
                    line: number(*line),
                    dtype: dtype(operand.0),
                    swapped: swapped(*operand),
                },
            })
            .collect();
        let mut begins = [steps.len(); 5];
        for (index, axes) in Axes::ALL.into_iter().enumerate().rev() {
            let first = segments.steps.iter().position(|step| step.axes == axes);
            begins[index] = first.unwrap_or(begins[index + 1]);
        }
        let widest = segments.lines.iter().map(|line| line.dtype.size()).max().unwrap_or(1);
        let slots = segments.slots as usize;
        let chunk = match widest {
            ..=VECTOR => {
                (SCRATCH / (widest * slots.max(1))).min(MOST_BYTES / widest).clamp(LEAST, MOST) / VECTOR * VECTOR
            }
            _ => (SCRATCH_OF_STRINGS / (widest * slots.max(1))).clamp(1, LEAST),
        };
        Steps {
            begins,
            steps,
            operands,
            lines: segments.lines.clone(),
            slots,
            widest,
            chunk,
            in_order: segments.in_order,
        }
    }

    /// Does it compute anything once for all rows?
    pub(super) fn has_columns(&self) -> bool {
        self.begins[2] != self.begins[3]
    }

    /// Does what an [`Entry`] does.
    ///
    /// # Safety
    /// As for every [`Entry`] that was made for the layouts of these steps.
    pub(super) unsafe fn call(
        &self,
        pointers: *const *mut u8,
        inner_strides: *const isize,
        outer_strides: *const isize,
        inner: usize,
        outer: usize,
    ) -> u64 {
        let most = self.chunk.min(inner.saturating_mul(outer));
        // Whole vectors of any lanes.
        let slot = (most * self.widest).next_multiple_of(VECTOR * self.widest.min(VECTOR)) + GAP;
        let bytes = slot * self.slots + 64;
        // SAFETY: the contract of `Entry` gives an item of each list for each operand.
        let call = unsafe {
            Call {
                pointers: std::slice::from_raw_parts(pointers, self.operands),
                inner_strides: std::slice::from_raw_parts(inner_strides, self.operands),
                outer_strides: std::slice::from_raw_parts(outer_strides, self.operands),
                inner,
                outer,
            }
        };
        if bytes <= ON_STACK {
            let mut scratch = [MaybeUninit::<u8>::uninit(); ON_STACK];
            // SAFETY: there are as many bytes as the slots need.
            unsafe { self.run(&call, scratch.as_mut_ptr().cast(), slot) }
        } else {
            let mut scratch: Vec<MaybeUninit<u8>> = Vec::with_capacity(bytes);
            // SAFETY: as above.
            unsafe { self.run(&call, scratch.as_mut_ptr().cast(), slot) }
        }
    }

    /// # Safety
    /// As [`Steps::call`]; at `scratch` are `slot` bytes for each slot, and 64 more.
    unsafe fn run(&self, call: &Call, scratch: *mut u8, slot: usize) -> u64 {
        let scratch = scratch.wrapping_add(scratch.align_offset(64));
        let at_slot = |line: &Line| scratch.wrapping_add(slot * line.slot as usize);
        let [_, outer_begin, inner_begin, both_begin, end] = self.begins;
        let mut chunk = Chunk {
            pointers: call.pointers.iter().copied().chain(self.lines.iter().map(at_slot)).collect(),
            inner_strides: SmallVec::from_elem(0, call.pointers.len() + self.lines.len()),
            outer_strides: SmallVec::from_elem(0, call.pointers.len() + self.lines.len()),
            inner: 1,
            outer: 1,
        };
        // A tile is a piece of a row, or several whole rows.
        let tile = call.inner.min(self.chunk);
        let rows = (self.chunk / tile).clamp(1, call.outer);
        let group = match (outer_begin != inner_begin, inner_begin != both_begin) {
            _ if self.in_order => rows,
            (true, _) => self.chunk / rows * rows,
            // What is the same for all rows is computed once.
            (false, true) => call.outer,
            (false, false) => rows,
        };

        // SAFETY: throughout, the elements that a step is given are among those of the call, or
        // the first of lines, whose slots hold a chunk's elements.
        unsafe {
            if outer_begin > 0 {
                let status = self.steps_over(0..outer_begin, &mut chunk);
                if status != 0 {
                    return status;
                }
            }
            if call.outer == 1 && outer_begin == both_begin {
                // The common case: one row, in pieces.
                let tile = if self.is_direct(call) { call.inner } else { tile };
                self.set_strides(&mut chunk, call, tile);
                let mut start = 0;
                loop {
                    chunk.inner = tile.min(call.inner - start);
                    let status = self.steps_over(both_begin..end, &mut chunk);
                    start += chunk.inner;
                    if status != 0 || start >= call.inner {
                        return status;
                    }
                    for k in 0..self.operands {
                        chunk.pointers[k] = chunk.pointers[k].wrapping_offset(chunk.inner_strides[k] * tile as isize);
                    }
                }
            }
            let mut first_row = 0;
            while first_row < call.outer {
                let in_group = group.min(call.outer - first_row);
                if outer_begin != inner_begin {
                    (chunk.inner, chunk.outer) = (in_group, 1);
                    self.place(&mut chunk, call, first_row, 0);
                    for k in 0..self.operands {
                        chunk.inner_strides[k] = call.outer_strides[k];
                    }
                    for (k, line) in self.lines.iter().enumerate() {
                        let stride = if line.axes == Axes::NONE { 0 } else { line.dtype.size() as isize };
                        chunk.inner_strides[self.operands + k] = stride;
                        chunk.pointers[self.operands + k] = at_slot(line);
                    }
                    let status = self.steps_over(outer_begin..inner_begin, &mut chunk);
                    if status != 0 {
                        return status;
                    }
                }
                self.set_strides(&mut chunk, call, tile);
                let mut start = 0;
                while start < call.inner {
                    chunk.inner = tile.min(call.inner - start);
                    if inner_begin != both_begin {
                        chunk.outer = 1;
                        self.place(&mut chunk, call, first_row, start);
                        let status = self.steps_over(inner_begin..both_begin, &mut chunk);
                        if status != 0 {
                            return status;
                        }
                    }
                    let mut row = first_row;
                    while row < first_row + in_group {
                        chunk.outer = rows.min(first_row + in_group - row);
                        self.place(&mut chunk, call, row, start);
                        for (k, line) in self.lines.iter().enumerate().filter(|(_, line)| line.axes == Axes::OUTER) {
                            let skipped = (row - first_row) * line.dtype.size();
                            chunk.pointers[self.operands + k] = at_slot(line).wrapping_add(skipped);
                        }
                        let status = self.steps_over(both_begin..end, &mut chunk);
                        if status != 0 {
                            return status;
                        }
                        row += chunk.outer;
                    }
                    start += chunk.inner;
                }
                first_row += in_group;
            }
        }
        0
    }

    /// Is it one block call that reads and writes a row's operands where they are? Then nothing is in
    /// scratch memory, and nothing is gained by pieces.
    fn is_direct(&self, call: &Call) -> bool {
        let [Step::Block { args, out, .. }] = &self.steps[..] else { return false };
        // Where an operand's elements begin and end, if they are packed and aligned.
        let place = |operand: &Operand| {
            let k = operand.operand? as usize;
            let (start, size) = (call.pointers[k].addr(), operand.dtype.size());
            (call.inner_strides[k] == size as isize && start.is_multiple_of(operand.dtype.alignment()))
                .then(|| (start, start + size * call.inner))
        };
        let Some((start, end)) = place(out) else { return false };
        args.iter().all(|arg| place(arg).is_some_and(|(first, last)| last <= start || end <= first))
    }

    /// The strides of steps over elements, whose tiles have so many to a row.
    fn set_strides(&self, chunk: &mut Chunk, call: &Call, tile: usize) {
        chunk.inner_strides[..self.operands].copy_from_slice(call.inner_strides);
        chunk.outer_strides[..self.operands].copy_from_slice(call.outer_strides);
        for (k, line) in self.lines.iter().enumerate() {
            let size = line.dtype.size() as isize;
            let (inner, outer) = match (line.axes.inner, line.axes.outer) {
                (true, true) => (size, size * tile as isize),
                (true, false) => (size, 0),
                (false, true) => (0, size),
                (false, false) => (0, 0),
            };
            chunk.inner_strides[self.operands + k] = inner;
            chunk.outer_strides[self.operands + k] = outer;
        }
    }

    /// Points each operand to the element at a row and a place in it.
    fn place(&self, chunk: &mut Chunk, call: &Call, row: usize, start: usize) {
        for k in 0..self.operands {
            let offset = call.outer_strides[k] * row as isize + call.inner_strides[k] * start as isize;
            chunk.pointers[k] = call.pointers[k].wrapping_offset(offset);
        }
    }

    /// Runs some of the steps over a chunk.
    ///
    /// # Safety
    /// The chunk's elements must be ones that the steps may touch.
    unsafe fn steps_over(&self, range: std::ops::Range<usize>, chunk: &mut Chunk) -> u64 {
        for step in &self.steps[range] {
            // SAFETY: the chunk's elements are in bounds, by the caller's word.
            unsafe {
                match step {
                    Step::Segment(entry) => {
                        let status = entry(
                            chunk.pointers.as_ptr(),
                            chunk.inner_strides.as_ptr(),
                            chunk.outer_strides.as_ptr(),
                            chunk.inner,
                            chunk.outer,
                        );
                        if status != 0 {
                            return status;
                        }
                    }
                    Step::Block { function, args, out } => {
                        if !chunk.call_block(*function, args, *out) {
                            return FAILED;
                        }
                    }
                    Step::Gather { operand, line, dtype, swapped } => {
                        chunk.copy(*operand as usize, *line as usize, *dtype, *swapped);
                    }
                    Step::Index { operand, line } => chunk.write_addresses(*operand as usize, *line as usize),
                    Step::Scatter { operand, line, dtype, swapped } => {
                        chunk.copy(*line as usize, *operand as usize, *dtype, *swapped);
                    }
                }
            }
        }
        0
    }
}

/// What a call was given.
struct Call<'a> {
    pointers: &'a [*mut u8],
    inner_strides: &'a [isize],
    outer_strides: &'a [isize],
    inner: usize,
    outer: usize,
}

impl Chunk {
    /// Are an operand's elements one after another, and aligned?
    fn is_packed(&self, operand: usize, dtype: DType) -> bool {
        let size = dtype.size();
        let row = (self.inner * size) as isize;
        (self.inner == 1 || self.inner_strides[operand] == size as isize)
            && (self.outer == 1 || self.outer_strides[operand] == row)
            && self.pointers[operand].addr().is_multiple_of(dtype.alignment())
    }

    /// Calls a block function over the chunk's elements; false if it failed.
    ///
    /// # Safety
    /// The chunk's elements can be read or written as the step asks, and are of the function's types.
    unsafe fn call_block(&mut self, function: Block, args: &[Operand], out: Operand) -> bool {
        let n = self.inner * self.outer;
        let target = out.operand.map(|operand| operand as usize).filter(|&k| self.is_packed(k, out.dtype));
        let result = self.pointers[target.unwrap_or(out.line as usize)];
        let mut found: SmallVec<[*const u8; 4]> = SmallVec::new();
        for arg in args {
            let size = arg.dtype.size();
            let packed = arg.operand.map(|operand| operand as usize).filter(|&k| {
                let (start, target) = (self.pointers[k].addr(), result.addr());
                self.is_packed(k, arg.dtype) && (start + n * size <= target || target + n * out.dtype.size() <= start)
            });
            if let (None, Some(operand)) = (packed, arg.operand) {
                // SAFETY: the line has room for a chunk's elements.
                unsafe { self.copy(operand as usize, arg.line as usize, arg.dtype, false) };
            }
            found.push(self.pointers[packed.unwrap_or(arg.line as usize)]);
        }
        // SAFETY: `n` packed and aligned elements are at each address, and the result is apart from
        // the arguments: lines that are needed at the same time have slots of their own.
        let is_done = unsafe {
            match function {
                Block::Plain(function) => {
                    function(n, found.as_ptr(), result);
                    true
                }
                Block::Stateful(function, state) => function(state.pointer(), n, found.as_ptr(), result),
            }
        };
        // A failed call leaves the operand as it is, where it was not writing to it.
        if let (true, None, Some(operand)) = (is_done, target, out.operand) {
            // SAFETY: as above.
            unsafe { self.copy(out.line as usize, operand as usize, out.dtype, false) };
        }
        is_done
    }

    /// Copies the chunk's elements from one operand or line to another, perhaps with their bytes
    /// reversed.
    ///
    /// # Safety
    /// The elements can be read and written.
    unsafe fn copy(&self, from: usize, to: usize, dtype: DType, swapped: bool) {
        // SAFETY: passed on.
        unsafe {
            match dtype.size() {
                size if !dtype.is_lane() => self.copy_strings(from, to, size, swapped),
                1 => self.copy_elements(from, to, |x: [u8; 1]| x),
                2 if swapped => self.copy_elements(from, to, u16::swap_bytes),
                2 => self.copy_elements(from, to, |x: u16| x),
                4 if swapped => self.copy_elements(from, to, u32::swap_bytes),
                4 => self.copy_elements(from, to, |x: u32| x),
                _ if swapped => self.copy_elements(from, to, u64::swap_bytes),
                _ => self.copy_elements(from, to, |x: u64| x),
            }
        }
    }

    /// Writes the addresses of an operand's elements, as int64, into a line.
    ///
    /// # Safety
    /// The line has room for the chunk's elements.
    unsafe fn write_addresses(&self, operand: usize, line: usize) {
        let stride = self.inner_strides[operand];
        for j in 0..self.outer as isize {
            let first = self.pointers[operand].wrapping_offset(j * self.outer_strides[operand]).addr() as isize;
            let target = self.pointers[line].wrapping_offset(j * self.outer_strides[line]).cast::<i64>();
            for i in 0..self.inner as isize {
                // SAFETY: within the line, whose elements are packed along the inner axis, and aligned.
                unsafe { target.wrapping_offset(i).write((first + i * stride) as i64) };
            }
        }
    }

    /// The same for strings of so many bytes: turned round is each code point.
    ///
    /// # Safety
    /// As [`Chunk::copy`].
    unsafe fn copy_strings(&self, from: usize, to: usize, size: usize, swapped: bool) {
        for j in 0..self.outer as isize {
            for i in 0..self.inner as isize {
                let at =
                    |k: usize| self.pointers[k].wrapping_offset(j * self.outer_strides[k] + i * self.inner_strides[k]);
                // SAFETY: within the chunk's elements; lines are apart from operands.
                let element = unsafe {
                    std::ptr::copy_nonoverlapping(at(from), at(to), size);
                    std::slice::from_raw_parts_mut(at(to), size)
                };
                if swapped {
                    element.as_chunks_mut::<4>().0.iter_mut().for_each(|point| point.reverse());
                }
            }
        }
    }

    /// # Safety
    /// As [`Chunk::copy`].
    #[inline(always)]
    unsafe fn copy_elements<T: Copy>(&self, from: usize, to: usize, change: impl Fn(T) -> T) {
        let (from_stride, to_stride) = (self.inner_strides[from], self.inner_strides[to]);
        for j in 0..self.outer as isize {
            let mut source = self.pointers[from].wrapping_offset(j * self.outer_strides[from]);
            let mut target = self.pointers[to].wrapping_offset(j * self.outer_strides[to]);
            for _ in 0..self.inner {
                // SAFETY: within the chunk's elements; unaligned ones are allowed for.
                unsafe { target.cast::<T>().write_unaligned(change(source.cast::<T>().read_unaligned())) };
                source = source.wrapping_offset(from_stride);
                target = target.wrapping_offset(to_stride);
            }
        }
    }
}
