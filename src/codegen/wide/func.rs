//! A function of machine instructions over virtual registers, as the register allocator sees it.

use super::encode::{Imm, Width};
use super::isa::Row;
use regalloc2::{InstRange, Operand, OperandConstraint, OperandKind, OperandPos, PReg, PRegSet, RegClass, VReg};

/// A basic block, by its place in [`Func::blocks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block(pub(super) u32);

/// What stands in the "r/m" place of an instruction.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rm {
    /// A register, or the memory where the allocator keeps it.
    Any(VReg),
    /// A register and nothing else.
    Reg(VReg),
    Mem(Address),
    /// A constant at an offset in the pool; one element for all lanes?
    Pool {
        offset: u32,
        broadcast: bool,
    },
}

/// A place in memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address {
    pub(super) base: Base,
    pub(super) index: Option<VReg>,
    pub(super) scale: u8,
    pub(super) disp: i32,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Base {
    Reg(VReg),
    /// The function's own memory on the stack.
    Frame,
}

/// The place whose register an instruction writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writes {
    Nothing,
    Reg,
    Vvvv,
    Rm,
}

/// An instruction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inst {
    pub(super) row: &'static Row,
    pub(super) width: Width,
    pub(super) writes: Writes,
    pub(super) reg: Option<VReg>,
    pub(super) vvvv: Option<VReg>,
    pub(super) rm: Rm,
    /// A fourth register, numbered in the immediate.
    pub(super) is4: Option<VReg>,
    pub(super) mask: Option<VReg>,
    pub(super) zeroing: bool,
    /// The register whose content the one that is written replaces.
    pub(super) tied: Option<VReg>,
    pub(super) imm: Imm,
}

/// A condition of unsigned comparison, in the encoding of jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cond {
    Below = 2,
    AboveOrEqual = 3,
    Equal = 4,
    NotEqual = 5,
}

impl Cond {
    pub(super) const fn inverse(self) -> Cond {
        match self {
            Cond::Below => Cond::AboveOrEqual,
            Cond::AboveOrEqual => Cond::Below,
            Cond::Equal => Cond::NotEqual,
            Cond::NotEqual => Cond::Equal,
        }
    }
}

/// How a block ends.
#[derive(Clone, Debug)]
pub(super) enum End {
    Open,
    Jump(Block, Vec<VReg>),
    /// To the first block where the condition holds, else to the second.
    Branch(Cond, Block, Block),
    Return,
}

#[derive(Debug)]
struct BlockData {
    params: Vec<VReg>,
    insts: Vec<Inst>,
    end: End,
    /// Is it the head of a loop worth aligning?
    hot: bool,
}

impl BlockData {
    fn take(&mut self) -> (Vec<VReg>, Vec<Inst>, End, bool) {
        let end = std::mem::replace(&mut self.end, End::Open);
        (std::mem::take(&mut self.params), std::mem::take(&mut self.insts), end, self.hot)
    }
}

/// A function under construction.
#[derive(Debug, Default)]
pub(super) struct Func {
    blocks: Vec<BlockData>,
    /// The blocks in the order in which they will lie.
    order: Vec<Block>,
    vregs: u32,
    /// The function's parameters, defined at the beginning in the registers of the calling
    /// convention.
    pub(super) params: Vec<(VReg, PReg)>,
    /// The bytes of a spilled vector.
    vector: usize,
}

impl Func {
    /// `vector`: the bytes of a vector register.
    pub(super) fn new(vector: usize) -> Func {
        Func { vector, ..Func::default() }
    }

    pub(super) fn vreg(&mut self, class: RegClass) -> VReg {
        self.vregs += 1;
        VReg::new(self.vregs as usize - 1, class)
    }

    pub(super) fn block(&mut self) -> Block {
        self.blocks.push(BlockData { params: Vec::new(), insts: Vec::new(), end: End::Open, hot: false });
        Block(self.blocks.len() as u32 - 1)
    }

    /// Puts a block behind all those that were placed before.
    pub(super) fn place(&mut self, block: Block) {
        self.order.push(block);
    }

    pub(super) fn param(&mut self, block: Block, class: RegClass) -> VReg {
        let param = self.vreg(class);
        self.blocks[block.0 as usize].params.push(param);
        param
    }

    pub(super) fn mark_hot(&mut self, block: Block) {
        self.blocks[block.0 as usize].hot = true;
    }

    pub(super) fn push(&mut self, block: Block, inst: Inst) {
        self.blocks[block.0 as usize].insts.push(inst);
    }

    pub(super) fn end(&mut self, block: Block, end: End) {
        self.blocks[block.0 as usize].end = end;
    }

    /// The number of instructions so far.
    pub(super) fn count(&self) -> usize {
        self.blocks.iter().map(|block| block.insts.len()).sum()
    }
}

impl Inst {
    /// Tells of each register in turn: where the allocator and the encoder must agree on the order.
    fn visit(&self, mut f: impl FnMut(VReg, OperandKind, OperandConstraint)) {
        use OperandConstraint::{Any, Reg};
        use OperandKind::{Def, Use};
        let kind = |place| if self.writes == place { Def } else { Use };
        let mut count = 0;
        let mut next = |vreg, kind, constraint| {
            f(vreg, kind, constraint);
            count += 1;
            count - 1
        };
        let reuse = self.tied.map(|tied| next(tied, Use, Reg));
        let written = reuse.map_or(Reg, OperandConstraint::Reuse);
        let constraint = |place| if self.writes == place { written } else { Reg };
        if let Some(vvvv) = self.vvvv {
            next(vvvv, kind(Writes::Vvvv), constraint(Writes::Vvvv));
        }
        match self.rm {
            Rm::Any(rm) if self.writes != Writes::Rm => {
                next(rm, Use, Any);
            }
            Rm::Any(rm) | Rm::Reg(rm) => {
                next(rm, kind(Writes::Rm), constraint(Writes::Rm));
            }
            Rm::Mem(address) => {
                if let Base::Reg(base) = address.base {
                    next(base, Use, Reg);
                }
                if let Some(index) = address.index {
                    next(index, Use, Reg);
                }
            }
            Rm::Pool { .. } => {}
        }
        for vreg in [self.is4, self.mask].into_iter().flatten() {
            next(vreg, Use, Reg);
        }
        if let Some(reg) = self.reg {
            next(reg, kind(Writes::Reg), constraint(Writes::Reg));
        }
    }
}

/// A finished function: instructions in one list, with what the allocator asks for.
pub(super) struct Flat {
    pub(super) insts: Vec<FlatInst>,
    pub(super) blocks: Vec<FlatBlock>,
    operands: Vec<Operand>,
    vregs: usize,
    vector: usize,
}

pub(super) struct FlatInst {
    pub(super) kind: Kind,
    operands: (u32, u32),
}

#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Takes the function's parameters.
    Params,
    Inst(Inst),
    Jump(Block),
    Branch(Cond, Block, Block),
    Return,
}

pub(super) struct FlatBlock {
    range: (u32, u32),
    params: Vec<VReg>,
    args: Vec<VReg>,
    succs: Vec<regalloc2::Block>,
    preds: Vec<regalloc2::Block>,
    pub(super) hot: bool,
}

impl Func {
    /// Closes the function.
    ///
    /// # Panics
    /// If a block has no end or no place.
    pub(super) fn finish(mut self) -> Flat {
        let count = self.count() + self.blocks.len() + 1;
        let mut position = vec![Block(0); self.blocks.len()];
        for (at, block) in self.order.iter().enumerate() {
            position[block.0 as usize] = Block(at as u32);
        }
        let moved = |block: Block| position[block.0 as usize];
        let mut flat = Flat {
            insts: Vec::with_capacity(count),
            blocks: Vec::with_capacity(self.blocks.len()),
            operands: Vec::with_capacity(4 * count),
            vregs: self.vregs as usize,
            vector: self.vector,
        };
        for (vreg, preg) in self.params {
            flat.operands.push(Operand::reg_fixed_def(vreg, preg));
        }
        flat.insts.push(FlatInst { kind: Kind::Params, operands: (0, flat.operands.len() as u32) });
        let index = |block: Block| regalloc2::Block::new(block.0 as usize);
        for block in self.order {
            let (params, insts, end, hot) = self.blocks[block.0 as usize].take();
            // The parameters are the first block's first instruction.
            let start = if flat.blocks.is_empty() { 0 } else { flat.insts.len() as u32 };
            for inst in insts {
                let start = flat.operands.len() as u32;
                inst.visit(|vreg, kind, constraint| {
                    let pos = if kind == OperandKind::Def { OperandPos::Late } else { OperandPos::Early };
                    flat.operands.push(Operand::new(vreg, constraint, kind, pos));
                });
                let operands = (start, flat.operands.len() as u32);
                flat.insts.push(FlatInst { kind: Kind::Inst(inst), operands });
            }
            let (kind, succs, args) = match end {
                End::Open => unreachable!("a block without an end"),
                End::Jump(to, args) => {
                    let to = moved(to);
                    (Kind::Jump(to), vec![index(to)], args)
                }
                End::Branch(cond, yes, no) => {
                    let (yes, no) = (moved(yes), moved(no));
                    (Kind::Branch(cond, yes, no), vec![index(yes), index(no)], Vec::new())
                }
                End::Return => (Kind::Return, Vec::new(), Vec::new()),
            };
            let none = flat.operands.len() as u32;
            flat.insts.push(FlatInst { kind, operands: (none, none) });
            let range = (start, flat.insts.len() as u32);
            flat.blocks.push(FlatBlock { range, params, args, succs, preds: Vec::new(), hot });
        }
        for from in 0..flat.blocks.len() {
            for k in 0..flat.blocks[from].succs.len() {
                let to = flat.blocks[from].succs[k].index();
                flat.blocks[to].preds.push(regalloc2::Block::new(from));
            }
        }
        flat
    }
}

impl regalloc2::Function for Flat {
    fn num_insts(&self) -> usize {
        self.insts.len()
    }

    fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    fn entry_block(&self) -> regalloc2::Block {
        regalloc2::Block::new(0)
    }

    fn block_insns(&self, block: regalloc2::Block) -> InstRange {
        let (from, to) = self.blocks[block.index()].range;
        InstRange::new(regalloc2::Inst::new(from as usize), regalloc2::Inst::new(to as usize))
    }

    fn block_succs(&self, block: regalloc2::Block) -> &[regalloc2::Block] {
        &self.blocks[block.index()].succs
    }

    fn block_preds(&self, block: regalloc2::Block) -> &[regalloc2::Block] {
        &self.blocks[block.index()].preds
    }

    fn block_params(&self, block: regalloc2::Block) -> &[VReg] {
        &self.blocks[block.index()].params
    }

    fn is_ret(&self, inst: regalloc2::Inst) -> bool {
        matches!(self.insts[inst.index()].kind, Kind::Return)
    }

    fn is_branch(&self, inst: regalloc2::Inst) -> bool {
        matches!(self.insts[inst.index()].kind, Kind::Jump(_) | Kind::Branch(..))
    }

    fn branch_blockparams(&self, block: regalloc2::Block, _: regalloc2::Inst, _: usize) -> &[VReg] {
        &self.blocks[block.index()].args
    }

    fn inst_operands(&self, inst: regalloc2::Inst) -> &[Operand] {
        let (from, to) = self.insts[inst.index()].operands;
        &self.operands[from as usize..to as usize]
    }

    fn inst_clobbers(&self, _: regalloc2::Inst) -> PRegSet {
        PRegSet::empty()
    }

    fn num_vregs(&self) -> usize {
        self.vregs
    }

    fn spillslot_size(&self, class: RegClass) -> usize {
        match class {
            RegClass::Int | RegClass::Vector => 1,
            RegClass::Float => self.vector / 8,
        }
    }
}
