//! From a function over virtual registers to bytes: registers are allocated, the frame is laid out,
//! jumps are resolved.
//!
//! ```text
//! rbp + 8    the caller's return address
//! rbp        the caller's rbp
//! rbp - 8 k  the caller's registers that we use
//! rsp        (aligned) spilled registers, then the frame that the function asked for
//! ```
//!
//! A function that spills nothing and asks for no frame does without `rbp`.

use super::encode::{Bytes, Encoded, Imm, Place, Width};
use super::func::{Base, Block, Flat, Inst, Kind, Rm};
use super::isa::{self, Row};
use super::{Level, Unsupported};
use regalloc2::{Allocation, Edit, InstOrEdit, MachineEnv, Output, PReg, PRegSet, RegClass, RegallocOptions};
use std::cell::RefCell;
use std::sync::OnceLock;

const RSP: u8 = 4;
const RBP: u8 = 5;
/// `rbx`, `r12` to `r15`; `rbp` belongs to the frame.
const CALLEE_SAVED: [u8; 5] = [3, 12, 13, 14, 15];
/// `rdi rsi rdx rcx r8`.
pub(super) const PARAMS: [u8; 5] = [7, 6, 2, 1, 8];
/// Frames beyond this are refused.
const LARGEST_FRAME: usize = 1 << 17;
/// What the system guarantees to detect below the stack.
const PAGE: usize = 4096;

thread_local! {
    /// The allocator's working memory, kept from one function to the next.
    static CONTEXT: RefCell<regalloc2::Ctx> = RefCell::default();
}

/// The registers that may be allocated.
fn environment(level: Level) -> &'static MachineEnv {
    static ENVIRONMENTS: [OnceLock<MachineEnv>; 2] = [const { OnceLock::new() }; 2];
    let set = |class, numbers: &mut dyn Iterator<Item = u8>| -> PRegSet {
        numbers.map(|n| PReg::new(n as usize, class)).collect()
    };
    ENVIRONMENTS[level as usize].get_or_init(|| {
        let free = |n: &u8| !CALLEE_SAVED.contains(n) && ![RSP, RBP].contains(n);
        // The upper vector registers need longer encodings.
        let upper = if level == Level::Avx512 { 16..32 } else { 0..0 };
        // k0 as a write mask means none.
        let masks = if level == Level::Avx512 { 1..8 } else { 0..0 };
        MachineEnv {
            preferred_regs_by_class: [
                set(RegClass::Int, &mut (0..16).filter(free)),
                set(RegClass::Float, &mut (0..16)),
                set(RegClass::Vector, &mut { masks }),
            ],
            non_preferred_regs_by_class: [
                set(RegClass::Int, &mut CALLEE_SAVED.into_iter()),
                set(RegClass::Float, &mut { upper }),
                PRegSet::empty(),
            ],
            scratch_by_class: [None; 3],
            fixed_stack_slots: Vec::new(),
        }
    })
}

/// Emits a function with `frame` bytes of memory of its own, and its constants behind it.
/// `streams`: are there stores past the caches?
pub(super) fn emit(
    func: &Flat,
    level: Level,
    frame: usize,
    streams: bool,
    pool: &[u8],
) -> Result<Vec<u8>, Unsupported> {
    CONTEXT.with_borrow_mut(|context| {
        let options = RegallocOptions { validate_ssa: cfg!(debug_assertions), ..RegallocOptions::default() };
        let output = regalloc2::run_with_ctx(func, environment(level), &options, context)
            .map_err(|_| Unsupported { reason: "no assignment of registers was found" })?;
        let vector = level.bytes();
        let spills = (output.num_spillslots * 8).next_multiple_of(vector);
        let frame = (spills + frame).next_multiple_of(vector);
        if frame > LARGEST_FRAME {
            return Err(Unsupported { reason: "too many values at once" });
        }
        let saved = CALLEE_SAVED.into_iter().filter(|&n| uses(output, PReg::new(n as usize, RegClass::Int))).collect();
        let emitter = Emitter { func, output, level, saved, spills, frame, streams, bytes: Bytes::default() };
        Ok(emitter.run().finish(pool, vector))
    })
}

/// Is a register written anywhere?
fn uses(output: &Output, register: PReg) -> bool {
    let register = Allocation::reg(register);
    let moved = |edit: &Edit| {
        let Edit::Move { to, .. } = edit;
        *to == register
    };
    output.allocs.contains(&register) || output.edits.iter().any(|(_, edit)| moved(edit))
}

struct Emitter<'a> {
    func: &'a Flat,
    output: &'a Output,
    level: Level,
    saved: Vec<u8>,
    /// Bytes of spilled registers, and of the whole frame.
    spills: usize,
    frame: usize,
    streams: bool,
    bytes: Bytes,
}

/// An instruction whose operands are to be filled in.
fn blank(row: &Row) -> Encoded<'_> {
    Encoded { row, width: Width::X, reg: 0, vvvv: None, rm: Place::Reg(0), mask: 0, zeroing: false, imm: Imm::None }
}

impl Emitter<'_> {
    fn run(mut self) -> Bytes {
        let count = self.func.blocks.len();
        // Edges often turn out to need no moves: jumps to them go on to their target at once.
        let target: Vec<Block> = (0..count).map(|block| self.through(Block(block as u32))).collect();
        let mut starts: Vec<Option<u32>> = vec![None; count];
        let mut jumps: Vec<(u32, Block)> = Vec::new();
        self.prologue();
        for block in 0..count {
            if target[block] != Block(block as u32) {
                continue;
            }
            if self.func.blocks[block].hot {
                self.align();
            }
            starts[block] = Some(self.bytes.code.len() as u32);
            let next = (block + 1..count).find(|&b| target[b] == Block(b as u32)).map(|b| Block(b as u32));
            let (func, output) = (self.func, self.output);
            for step in output.block_insts_and_edits(func, regalloc2::Block::new(block)) {
                match step {
                    InstOrEdit::Edit(Edit::Move { from, to }) => self.move_register(*from, *to),
                    InstOrEdit::Inst(inst) => match &func.insts[inst.index()].kind {
                        Kind::Params => {}
                        Kind::Inst(body) => self.inst(body, output.inst_allocs(inst)),
                        Kind::Jump(to) => self.jump(None, target[to.0 as usize], next, &starts, &mut jumps),
                        Kind::Branch(cond, yes, no) => {
                            let (yes, no) = (target[yes.0 as usize], target[no.0 as usize]);
                            if next == Some(yes) {
                                self.jump(Some(cond.inverse() as u8), no, next, &starts, &mut jumps);
                            } else {
                                self.jump(Some(*cond as u8), yes, next, &starts, &mut jumps);
                                self.jump(None, no, next, &starts, &mut jumps);
                            }
                        }
                        Kind::Return => self.epilogue(),
                    },
                }
            }
        }
        for (at, to) in jumps {
            let to = starts[to.0 as usize].unwrap_or(0);
            let distance = to.wrapping_sub(at + 4);
            self.bytes.code[at as usize..][..4].copy_from_slice(&distance.to_le_bytes());
        }
        self.bytes
    }

    /// Where a jump to a block leads that does nothing but jump.
    fn through(&self, mut block: Block) -> Block {
        loop {
            let index = regalloc2::Block::new(block.0 as usize);
            let mut steps = self.output.block_insts_and_edits(self.func, index);
            match steps.next() {
                Some(InstOrEdit::Inst(inst)) => match self.func.insts[inst.index()].kind {
                    // Blocks only jump backwards to heads of loops, which do something.
                    Kind::Jump(to) => block = to,
                    _ => return block,
                },
                _ => return block,
            }
        }
    }

    /// A jump, unless the target comes next anyhow. Short where the target is known to be near.
    fn jump(
        &mut self,
        cond: Option<u8>,
        to: Block,
        next: Option<Block>,
        starts: &[Option<u32>],
        jumps: &mut Vec<(u32, Block)>,
    ) {
        if next == Some(to) {
            return;
        }
        let here = self.bytes.code.len() as i64;
        if let Some(start) = starts[to.0 as usize]
            && let Ok(distance) = i8::try_from(i64::from(start) - (here + 2))
        {
            self.bytes.push(cond.map_or(0xeb, |cond| 0x70 | cond));
            self.bytes.push(distance as u8);
            return;
        }
        match cond {
            None => self.bytes.push(0xe9),
            Some(cond) => self.bytes.code.extend_from_slice(&[0x0f, 0x80 | cond]),
        }
        jumps.push((self.bytes.code.len() as u32, to));
        self.bytes.push_i32(0);
    }

    /// Fills up to a multiple of 32 bytes with as few instructions as possible that do nothing.
    fn align(&mut self) {
        let mut rest = self.bytes.code.len().next_multiple_of(32) - self.bytes.code.len();
        while rest > 0 {
            let nop: &[u8] = match rest {
                1 => &[0x90],
                2 => &[0x66, 0x90],
                3 => &[0x0f, 0x1f, 0x00],
                4 => &[0x0f, 0x1f, 0x40, 0],
                5 => &[0x0f, 0x1f, 0x44, 0, 0],
                6 => &[0x66, 0x0f, 0x1f, 0x44, 0, 0],
                7 => &[0x0f, 0x1f, 0x80, 0, 0, 0, 0],
                8 => &[0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
                _ => &[0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
            };
            self.bytes.code.extend_from_slice(nop);
            rest -= nop.len();
        }
    }

    fn has_frame(&self) -> bool {
        self.frame > 0
    }

    fn prologue(&mut self) {
        if self.has_frame() {
            self.bytes.push(0x50 | RBP);
            self.gpr(&isa::MOV, RBP, Place::Reg(RSP), Imm::None);
        }
        for register in self.saved.clone() {
            if register >= 8 {
                self.bytes.push(0x41);
            }
            self.bytes.push(0x50 | register & 7);
        }
        if self.has_frame() {
            let frame = self.frame as i32;
            let below = |disp: i32| Place::Mem { base: RSP, index: None, scale: 1, disp };
            self.gpr(&isa::LEA, RSP, below(-frame), Imm::None);
            self.gpr(&isa::AND_IMM, 0, Place::Reg(RSP), Imm::I32(-(self.level.bytes() as i32)));
            // The page below the stack is for detecting its end: no page is left out.
            for page in 1..=self.frame / PAGE {
                self.gpr(&isa::CMP, 0, below(self.frame as i32 - (page * PAGE) as i32), Imm::None);
            }
        }
    }

    fn epilogue(&mut self) {
        if self.streams {
            // sfence: whoever is told that the call is over sees what it stored.
            self.bytes.code.extend_from_slice(&[0x0f, 0xae, 0xf8]);
        }
        // eax = 0: all guards held.
        self.bytes.code.extend_from_slice(&[0x31, 0xc0]);
        // Else what SSE code follows pays for the upper halves of the registers.
        self.bytes.code.extend_from_slice(&[0xc5, 0xf8, 0x77]);
        if self.has_frame() {
            let disp = -8 * self.saved.len() as i32;
            self.gpr(&isa::LEA, RSP, Place::Mem { base: RBP, index: None, scale: 1, disp }, Imm::None);
        }
        for register in self.saved.clone().into_iter().rev() {
            if register >= 8 {
                self.bytes.push(0x41);
            }
            self.bytes.push(0x58 | register & 7);
        }
        if self.has_frame() {
            self.bytes.push(0x58 | RBP);
        }
        self.bytes.push(0xc3);
    }

    fn gpr(&mut self, row: &Row, reg: u8, rm: Place, imm: Imm) {
        self.bytes.encode(&Encoded { reg, rm, imm, ..blank(row) });
    }

    /// The register or the stack slot of an allocation.
    fn place(&self, allocation: Allocation) -> Place {
        match (allocation.as_reg(), allocation.as_stack()) {
            (Some(register), _) => Place::Reg(register.hw_enc() as u8),
            (_, Some(slot)) => Place::Mem { base: RSP, index: None, scale: 1, disp: 8 * slot.index() as i32 },
            _ => unreachable!("an operand without an allocation"),
        }
    }

    fn move_register(&mut self, from: Allocation, to: Allocation) {
        let class = from.as_reg().or(to.as_reg()).map_or(RegClass::Int, PReg::class);
        let (load, store) = match class {
            RegClass::Int => (&isa::MOV, &isa::MOV_STORE),
            RegClass::Float => (&isa::VMOVDQU, &isa::VMOVDQU_STORE),
            RegClass::Vector => (&isa::KMOVQ, &isa::KMOVQ_STORE),
        };
        let width = if class == RegClass::Float { Width::of(self.level.bytes()) } else { Width::X };
        let (from, to) = (self.place(from), self.place(to));
        let (row, reg, rm) = match (from, to) {
            (_, Place::Reg(to)) => (load, to, from),
            (Place::Reg(from), _) => (store, from, to),
            _ => unreachable!("a move from memory to memory"),
        };
        self.bytes.encode(&Encoded { width, reg, rm, ..blank(row) });
    }

    fn inst(&mut self, inst: &Inst, allocations: &[Allocation]) {
        // In the order of `Inst::visit`.
        let mut rest = allocations.iter().copied();
        let mut next = || self.place(rest.next().unwrap_or(Allocation::none()));
        let number = |place: Place| match place {
            Place::Reg(number) => number,
            _ => unreachable!("a register in memory"),
        };
        if inst.tied.is_some() {
            next();
        }
        let vvvv = inst.vvvv.map(|_| number(next()));
        let rm = match inst.rm {
            Rm::Any(_) | Rm::Reg(_) => next(),
            Rm::Pool { offset, broadcast } => Place::Pool { offset, broadcast },
            Rm::Mem(address) => {
                let (base, disp) = match address.base {
                    Base::Reg(_) => (number(next()), address.disp),
                    Base::Frame => (RSP, address.disp + self.spills as i32),
                };
                let index = address.index.map(|_| number(next()));
                Place::Mem { base, index, scale: address.scale, disp }
            }
        };
        let is4 = inst.is4.map(|_| number(next()));
        let mask = inst.mask.map_or(0, |_| number(next()));
        let reg = inst.reg.map_or(0, |_| number(next()));
        let imm = is4.map_or(inst.imm, |register| Imm::I8(register << 4));
        self.bytes.encode(&Encoded {
            row: inst.row,
            width: inst.width,
            reg,
            vvvv,
            rm,
            mask,
            zeroing: inst.zeroing,
            imm,
        });
    }
}
