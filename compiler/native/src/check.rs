//! The checker: proves of a finished function that each load and store lies inside its region, and that it ends.
//!
//! It knows nothing of how the function was made. It follows each value through the instructions as a range of integers, or as a
//! region and a range of offsets into it, both in steps of a power of two, and refuses what it cannot follow. What it takes as given:
//!
//! - the six parameters point to the regions, which are as long as [`Regions`] says;
//! - the code of an axis is at most the greatest of that axis: the coder of the plan sees to it;
//! - an entry of a table is at most the greatest in it: that was read from the real table, which does not change.

use std::collections::HashMap;

use cranelift_codegen::ir::types::I64;
use cranelift_codegen::ir::{
    Block, BlockCall, Function, Inst, InstructionData, MemFlags, Opcode, Type, Value,
};

use crate::chunk::Regions;
use crate::emit::REGIONS;

/// Past this, a number is not followed: no region is nearly so long, and no sum of two wraps.
const MOST: u64 = 1 << 40;
/// The step of a constant.
const ANY_STEP: u64 = 1 << 40;

/// What is known of a value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Nothing,
    /// One of these numbers.
    Number(Span),
    /// A place in a region, so many bytes from its beginning.
    Place(Region, Span),
}

/// `low`, `low + step` and so on, up to `high`. The step is a power of two.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Span {
    low: u64,
    high: u64,
    step: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Region {
    Codes,
    Joined,
    Index,
    Rows,
    Held,
    Alive,
}

const PARAMETERS: [Region; REGIONS] =
    [Region::Codes, Region::Joined, Region::Index, Region::Rows, Region::Held, Region::Alive];

/// Checks a function against the regions it is given; what is wrong with it otherwise. Cost: linear in its instructions, times the
/// tables for each look-up.
pub(crate) fn check(function: &Function, regions: &Regions) -> Result<(), String> {
    let dfg = &function.dfg;
    let signature = &function.signature;
    let parameters = signature.params.iter().all(|parameter| parameter.value_type == I64);
    if signature.params.len() != REGIONS || !parameters || !signature.returns.is_empty() {
        return Err("another signature".to_owned());
    }
    let outside = !dfg.ext_funcs.is_empty()
        || !function.global_values.is_empty()
        || !function.sized_stack_slots.is_empty()
        || !function.dynamic_stack_slots.is_empty()
        || dfg.constants.iter().next().is_some();
    if outside {
        return Err("functions, globals, constants or a stack of its own".to_owned());
    }
    let places: HashMap<Block, usize> = function.layout.blocks().zip(0..).collect();
    let mut checker = Checker { function, regions, places, known: HashMap::new() };
    let entry = function.layout.entry_block().ok_or("no instructions")?;
    for (value, region) in dfg.block_params(entry).iter().zip(PARAMETERS) {
        checker.known.insert(*value, Known::Place(region, Span::constant(0)));
    }
    for block in function.layout.blocks() {
        for inst in function.layout.block_insts(block) {
            checker.inst(block, inst).map_err(|wrong| format!("{wrong}: {}", dfg.display_inst(inst)))?;
        }
    }
    Ok(())
}

struct Checker<'a> {
    function: &'a Function,
    regions: &'a Regions,
    /// By block, where it stands.
    places: HashMap<Block, usize>,
    known: HashMap<Value, Known>,
}

impl Checker<'_> {
    fn inst(&mut self, block: Block, inst: Inst) -> Result<(), &'static str> {
        let dfg = &self.function.dfg;
        #[expect(
            clippy::indexing_slicing,
            reason = "an instruction of the function's layout is in its graph"
        )]
        let data = dfg.insts[inst];
        let typed = dfg.inst_results(inst).first().map(|result| dfg.value_type(*result));
        let wide = typed == Some(I64);
        let known = match (data, data.opcode()) {
            (InstructionData::UnaryImm { imm, .. }, Opcode::Iconst) => {
                number(u64::try_from(imm.bits()).ok().map(Span::constant), wide)
            }
            (InstructionData::Binary { args: [one, other], .. }, Opcode::Iadd) if wide => {
                sum(self.known(one), self.known(other))
            }
            (InstructionData::Binary { args: [one, by], .. }, Opcode::Ishl) if wide => {
                shifted(self.known(one), self.known(by))
            }
            (InstructionData::Load { arg, flags, offset, .. }, opcode) => {
                self.flags(flags)?;
                let place = self.place(arg, offset.into())?;
                let bytes = match opcode {
                    Opcode::Load => typed.map_or(0, Type::bytes),
                    Opcode::Uload16 => 2,
                    Opcode::Uload32 => 4,
                    _ => return Err("a load of a kind that is not known"),
                };
                let known = self.load(place, bytes)?;
                // Only what fills the register with zeros is the number that was loaded.
                if wide && opcode != Opcode::Load { known } else { Known::Nothing }
            }
            (InstructionData::Store { args: [value, place], flags, offset, .. }, Opcode::Store) => {
                self.flags(flags)?;
                let (region, span) = self.place(place, offset.into())?;
                if !matches!(region, Region::Held | Region::Alive) {
                    return Err("a store to what is not its own");
                }
                self.inside(region, span, dfg.value_type(value).bytes())?;
                Known::Nothing
            }
            (InstructionData::Jump { destination, .. }, Opcode::Jump) => {
                self.forward(block, &destination)?;
                Known::Nothing
            }
            (InstructionData::Brif { blocks, .. }, Opcode::Brif) => {
                blocks.iter().try_for_each(|to| self.forward(block, to))?;
                Known::Nothing
            }
            (
                _,
                Opcode::Return
                | Opcode::Iadd
                | Opcode::Ishl
                | Opcode::Band
                | Opcode::Bor
                | Opcode::Icmp
                | Opcode::VanyTrue,
            ) => Known::Nothing,
            _ => return Err("an instruction that is not known"),
        };
        for result in dfg.inst_results(inst) {
            self.known.insert(*result, known);
        }
        Ok(())
    }

    fn known(&self, value: Value) -> Known {
        let value = self.function.dfg.resolve_aliases(value);
        self.known.get(&value).copied().unwrap_or(Known::Nothing)
    }

    /// Bytes are in the machine's order.
    fn flags(&self, flags: MemFlags) -> Result<(), &'static str> {
        #[expect(clippy::indexing_slicing, reason = "flags of an instruction are in its graph")]
        let flags = self.function.dfg.mem_flags[flags];
        if flags.explicit_endianness().is_some() { Err("another order of bytes") } else { Ok(()) }
    }

    fn place(&self, value: Value, offset: i64) -> Result<(Region, Span), &'static str> {
        let Known::Place(region, span) = self.known(value) else {
            return Err("an address that is not known");
        };
        let span = u64::try_from(offset).ok().and_then(|offset| span.plus(Span::constant(offset)));
        Ok((region, span.ok_or("an offset out of range")?))
    }

    fn load(&self, (region, span): (Region, Span), bytes: u32) -> Result<Known, &'static str> {
        match (region, bytes) {
            (Region::Codes, 4) => {
                let axis =
                    u16::try_from(span.low / 4).ok().filter(|_| span.low == span.high && span.low % 4 == 0);
                let greatest = axis.and_then(|axis| self.regions.codes.get(&axis));
                let high = u64::from(*greatest.ok_or("a code that is not there")?);
                Ok(Known::Number(Span { low: 0, high, step: 1 }))
            }
            (Region::Index, 2) => {
                let table = self.regions.tables.iter().find(|table| {
                    let from = u64::from(table.from) * 2;
                    let to = from + u64::from(table.entries) * 2;
                    from <= span.low && span.high + 2 <= to
                });
                let table = table.ok_or("outside of any table")?;
                if !span.low.is_multiple_of(2) || !span.step.is_multiple_of(2) {
                    return Err("half an entry");
                }
                // A table is in the index, whatever the lists say.
                self.inside(region, span, bytes)?;
                Ok(Known::Number(Span { low: 0, high: u64::from(table.greatest), step: 1 }))
            }
            (Region::Joined | Region::Rows, _) => {
                self.inside(region, span, bytes)?;
                Ok(Known::Nothing)
            }
            _ => Err("a load from what is not to be read so"),
        }
    }

    fn inside(&self, region: Region, span: Span, bytes: u32) -> Result<(), &'static str> {
        let Regions { joined, index, rows, groups, .. } = self.regions;
        let length = match region {
            Region::Codes => 0,
            Region::Joined => u64::from(*joined) * 32,
            Region::Index => u64::from(*index) * 2,
            Region::Rows => u64::from(*rows) * 32,
            Region::Held => u64::from(*groups) * 32,
            Region::Alive => u64::from(*groups),
        };
        if bytes > 0 && span.high + u64::from(bytes) <= length {
            Ok(())
        } else {
            Err("outside of its region")
        }
    }

    /// Jumps only go forward, so every function ends.
    fn forward(&self, from: Block, to: &BlockCall) -> Result<(), &'static str> {
        let to = self.places.get(&to.block(&self.function.dfg.value_lists));
        match (self.places.get(&from), to) {
            (Some(from), Some(to)) if from < to => Ok(()),
            _ => Err("a jump that does not go forward"),
        }
    }
}

impl Span {
    fn constant(at: u64) -> Self {
        Self { low: at, high: at, step: ANY_STEP }
    }

    fn plus(self, other: Self) -> Option<Self> {
        let span = Self {
            low: self.low.checked_add(other.low)?,
            high: self.high.checked_add(other.high)?,
            step: self.step.min(other.step),
        };
        (span.high <= MOST).then_some(span)
    }

    fn times(self, factor: u64) -> Option<Self> {
        let span = Self {
            low: self.low.checked_mul(factor)?,
            high: self.high.checked_mul(factor)?,
            step: self.step.checked_mul(factor)?.min(ANY_STEP),
        };
        (span.high <= MOST).then_some(span)
    }
}

fn number(span: Option<Span>, wide: bool) -> Known {
    span.filter(|span| wide && span.high <= MOST).map_or(Known::Nothing, Known::Number)
}

fn sum(one: Known, other: Known) -> Known {
    match (one, other) {
        (Known::Number(one), Known::Number(other)) => one.plus(other).map_or(Known::Nothing, Known::Number),
        (Known::Place(region, one), Known::Number(other))
        | (Known::Number(other), Known::Place(region, one)) => {
            one.plus(other).map_or(Known::Nothing, |span| Known::Place(region, span))
        }
        _ => Known::Nothing,
    }
}

fn shifted(one: Known, by: Known) -> Known {
    match (one, by) {
        (Known::Number(one), Known::Number(by)) if by.low == by.high && by.low < 32 => {
            one.times(1 << by.low).map_or(Known::Nothing, Known::Number)
        }
        _ => Known::Nothing,
    }
}
