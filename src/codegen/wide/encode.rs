//! Bytes of instructions whose registers are decided.

use super::isa::{Map, Prefix, Row, Tuple, W};

/// The width of a vector: 128, 256 or 512 bits, in EVEX's encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Width {
    X = 0,
    Y = 1,
    Z = 2,
}

impl Width {
    /// The narrowest that has so many bytes.
    pub(super) const fn of(bytes: usize) -> Width {
        match bytes {
            0..=16 => Width::X,
            17..=32 => Width::Y,
            _ => Width::Z,
        }
    }

    pub(super) const fn bytes(self) -> usize {
        16 << self as usize
    }
}

/// What stands in the "r/m" place, registers by number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Reg(u8),
    Mem {
        base: u8,
        index: Option<u8>,
        scale: u8,
        disp: i32,
    },
    /// At an offset in the constant pool; one element for all lanes?
    Pool {
        offset: u32,
        broadcast: bool,
    },
}

/// An immediate operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Imm {
    None,
    I8(u8),
    I32(i32),
}

/// An instruction with its registers' numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoded<'a> {
    pub(super) row: &'a Row,
    pub(super) width: Width,
    /// The register in ModRM, if it is not the row's digit.
    pub(super) reg: u8,
    /// The second source, or the destination of a shift by an immediate.
    pub(super) vvvv: Option<u8>,
    pub(super) rm: Place,
    /// The write mask k1 to k7; 0 for none.
    pub(super) mask: u8,
    /// Are lanes that the mask excludes zeroed, rather than kept?
    pub(super) zeroing: bool,
    pub(super) imm: Imm,
}

/// Machine code under construction: the code, and where it refers to the pool.
#[derive(Default)]
pub(super) struct Bytes {
    pub(super) code: Vec<u8>,
    /// The place of a displacement, the end of its instruction, and the offset in the pool.
    fixups: Vec<(u32, u32, u32)>,
}

/// `rsp` and `r12` as a base need a SIB byte; `rbp` and `r13` a displacement.
const SP: u8 = 4;
const BP: u8 = 5;

impl Bytes {
    pub(super) fn push(&mut self, byte: u8) {
        self.code.push(byte);
    }

    pub(super) fn push_i32(&mut self, value: i32) {
        self.code.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends an instruction.
    pub(super) fn encode(&mut self, inst: &Encoded) {
        let row = inst.row;
        if row.is_legacy() {
            self.legacy(inst);
        } else {
            let high = |reg: u8| reg >= 16;
            let (rm_high, broadcast) = match inst.rm {
                Place::Reg(rm) => (high(rm), false),
                Place::Pool { broadcast, .. } => (false, broadcast),
                Place::Mem { .. } => (false, false),
            };
            let extended = inst.width == Width::Z
                || inst.mask != 0
                || high(inst.reg)
                || inst.vvvv.is_some_and(high)
                || rm_high
                || broadcast;
            if row.vex == W::No || extended && row.evex != W::No { self.evex(inst, broadcast) } else { self.vex(inst) }
        }
        match inst.imm {
            Imm::None => {}
            Imm::I8(value) => self.push(value),
            Imm::I32(value) => self.push_i32(value),
        }
        if let (Place::Pool { .. }, Some(fixup)) = (inst.rm, self.fixups.last_mut()) {
            fixup.1 = self.code.len() as u32;
        }
    }

    /// Appends the pool, at an alignment, and resolves what refers to it.
    pub(super) fn finish(mut self, pool: &[u8], align: usize) -> Vec<u8> {
        let start = self.code.len().next_multiple_of(align);
        for (at, end, offset) in self.fixups {
            let disp = (start as u32 + offset).wrapping_sub(end);
            self.code[at as usize..][..4].copy_from_slice(&disp.to_le_bytes());
        }
        if !pool.is_empty() {
            // What lies between is never run.
            self.code.resize(start, 0xcc);
            self.code.extend_from_slice(pool);
        }
        self.code
    }

    fn legacy(&mut self, inst: &Encoded) {
        let row = inst.row;
        let size = match row.tuple {
            Tuple::Bytes(size) => size,
            _ => 8,
        };
        if row.prefix == Prefix::P66 {
            self.push(0x66);
        }
        let reg = row.digit.unwrap_or(inst.reg);
        let (x, b) = index_and_base(inst.rm);
        let wide = u8::from(size == 8) << 3;
        let rex = 0x40 | wide | (reg >> 3) << 2 | x << 1 | b;
        // Without a prefix, the byte registers 4 to 7 are other ones.
        if rex != 0x40 || size == 1 {
            self.push(rex);
        }
        if row.map == Map::M0F {
            self.push(0x0f);
        }
        let short = match inst.imm {
            // Most immediate forms have a shorter one for a byte.
            Imm::I8(_) if row.opcode == 0x81 => 2,
            _ => 0,
        };
        self.push(row.opcode + short);
        self.modrm(reg, inst.rm, 1, false);
    }

    fn vex(&mut self, inst: &Encoded) {
        let row = inst.row;
        let reg = row.digit.unwrap_or(inst.reg);
        let (x, b) = index_and_base(inst.rm);
        let w = u8::from(row.vex == W::W1);
        // Operations on two masks are marked as 256 bits wide.
        let l = match row.name.as_bytes() {
            [b'k', ..] => u8::from(inst.vvvv.is_some()),
            _ => inst.width as u8,
        };
        let tail = (!inst.vvvv.unwrap_or(0) & 15) << 3 | l << 2 | row.prefix as u8;
        if x == 0 && b == 0 && w == 0 && row.map == Map::M0F {
            self.code.extend_from_slice(&[0xc5, (!reg >> 3 & 1) << 7 | tail]);
        } else {
            let head = (!reg >> 3 & 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | row.map as u8;
            self.code.extend_from_slice(&[0xc4, head, w << 7 | tail]);
        }
        self.push(row.opcode);
        self.modrm(reg, inst.rm, 1, false);
    }

    fn evex(&mut self, inst: &Encoded, broadcast: bool) {
        let row = inst.row;
        let reg = row.digit.unwrap_or(inst.reg);
        let vvvv = inst.vvvv.unwrap_or(0);
        let (x, b) = match inst.rm {
            // A register's fifth bit takes the index's place.
            Place::Reg(rm) => (rm >> 4 & 1, rm >> 3 & 1),
            _ => index_and_base(inst.rm),
        };
        let w = u8::from(row.evex == W::W1);
        let head = (!reg >> 3 & 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | (!reg >> 4 & 1) << 4 | row.map as u8;
        let middle = w << 7 | (!vvvv & 15) << 3 | 4 | row.prefix as u8;
        let last = u8::from(inst.zeroing) << 7
            | (inst.width as u8) << 5
            | u8::from(broadcast) << 4
            | (!vvvv >> 4 & 1) << 3
            | inst.mask;
        self.code.extend_from_slice(&[0x62, head, middle, last, row.opcode]);
        let bytes = inst.width.bytes();
        let unit = match row.tuple {
            Tuple::Full(size) if broadcast => size as usize,
            Tuple::Full(_) | Tuple::Mem | Tuple::Reg => bytes,
            Tuple::Half => bytes / 2,
            Tuple::Quarter => bytes / 4,
            Tuple::Eighth => bytes / 8,
            Tuple::Bytes(size) => size as usize,
        };
        self.modrm(reg, inst.rm, unit as i32, true);
    }

    /// ModRM and what follows it. `unit` is what a displacement of one byte counts.
    fn modrm(&mut self, reg: u8, rm: Place, unit: i32, evex: bool) {
        let reg = (reg & 7) << 3;
        match rm {
            Place::Reg(rm) => self.push(0xc0 | reg | rm & 7),
            Place::Pool { offset, .. } => {
                self.push(reg | 5);
                self.fixups.push((self.code.len() as u32, 0, offset));
                self.push_i32(0);
            }
            Place::Mem { base, index, scale, disp } => {
                let short = if evex { (disp % unit == 0).then_some(disp / unit) } else { Some(disp) };
                let short = short.and_then(|disp| i8::try_from(disp).ok());
                let mode = match short {
                    Some(0) if base & 7 != BP => 0,
                    Some(_) => 0x40,
                    None => 0x80,
                };
                match index {
                    None if base & 7 != SP => self.push(mode | reg | base & 7),
                    _ => {
                        let scale = scale.trailing_zeros() as u8;
                        self.push(mode | reg | 4);
                        self.push(scale << 6 | (index.unwrap_or(SP) & 7) << 3 | base & 7);
                    }
                }
                match (mode, short) {
                    (0x40, Some(disp)) => self.push(disp as u8),
                    (0x80, _) => self.push_i32(disp),
                    _ => {}
                }
            }
        }
    }
}

/// The fourth bits of an address's index and base (or of the register in the base's place).
fn index_and_base(rm: Place) -> (u8, u8) {
    match rm {
        Place::Reg(rm) => (0, rm >> 3 & 1),
        Place::Mem { base, index, .. } => (index.unwrap_or(0) >> 3 & 1, base >> 3 & 1),
        Place::Pool { .. } => (0, 0),
    }
}
