//! Compilation of a chunk: emitted, checked, generated, and looked over once more.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{CodegenError, Context};
use cranelift_frontend::FunctionBuilderContext;

use crate::check::check;
use crate::chunk::{Chunk, Hash, Regions};
use crate::emit::emit;
use crate::os;
use crate::refusal::Refusal;

/// The most bytes of code for a chunk.
const MOST_BYTES: usize = 1 << 18;

/// How code is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Generation {
    /// Whether the middle of the code generator works on it, too.
    pub optimize: Optimize,
    /// How values come to registers.
    pub registers: Registers,
}

/// How much the code generator improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Optimize {
    /// What was emitted is what is selected.
    None,
    /// For speed.
    Speed,
}

/// How registers are allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Registers {
    /// In one pass: quickest to compile.
    SinglePass,
    /// With second thoughts.
    Backtracking,
}

impl Generation {
    /// All there are.
    pub const ALL: [Self; 4] = [
        Self { optimize: Optimize::None, registers: Registers::SinglePass },
        Self { optimize: Optimize::None, registers: Registers::Backtracking },
        Self { optimize: Optimize::Speed, registers: Registers::SinglePass },
        Self { optimize: Optimize::Speed, registers: Registers::Backtracking },
    ];
}

/// The code of a chunk that has passed every check. It is made here alone.
#[derive(Debug)]
pub(crate) struct Compiled {
    code: Vec<u8>,
    regions: Regions,
    hash: Hash,
    clif: Option<String>,
    asm: Option<String>,
}

impl Compiled {
    pub(crate) fn code(&self) -> &[u8] {
        &self.code
    }

    /// What the checker took as given.
    pub(crate) fn regions(&self) -> &Regions {
        &self.regions
    }

    pub(crate) fn hash(&self) -> Hash {
        self.hash
    }

    /// Its intermediate form and its instructions as text, where they were asked for.
    pub(crate) fn into_texts(self) -> (String, String) {
        (self.clif.unwrap_or_default(), self.asm.unwrap_or_default())
    }
}

/// The code generator for this machine.
#[derive(Clone)]
pub(crate) struct Backend {
    isa: OwnedTargetIsa,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backend").field("isa", &self.isa.name()).finish()
    }
}

/// What compiling one chunk leaves for the next: allocations.
#[derive(Default)]
pub(crate) struct Bench {
    context: Option<Context>,
    builder: FunctionBuilderContext,
}

/// What goes wrong on purpose, in tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// The code does nothing.
    #[cfg(test)]
    Idle,
    /// What was emitted is not well-formed.
    #[cfg(test)]
    Malformed,
    /// What was emitted reads past a region.
    #[cfg(test)]
    Astray,
    /// The code generator panics.
    #[cfg(test)]
    Panic,
    /// No code is small enough.
    #[cfg(test)]
    Large,
    /// There is no executable memory.
    #[cfg(test)]
    Memory,
}

impl Backend {
    /// For this machine and its features.
    pub(crate) fn new(generation: Generation) -> Result<Self, Refusal> {
        os::available().map_err(|why| Refusal::Unsupported(why.to_owned()))?;
        Self::of_host(generation).map_err(Refusal::Unsupported)
    }

    fn of_host(generation: Generation) -> Result<Self, String> {
        let mut flags = settings::builder();
        let mut set = |name: &str, value: &str| flags.set(name, value).map_err(|error| error.to_string());
        set(
            "opt_level",
            match generation.optimize {
                Optimize::None => "none",
                Optimize::Speed => "speed",
            },
        )?;
        set(
            "regalloc_algorithm",
            match generation.registers {
                Registers::SinglePass => "single_pass",
                Registers::Backtracking => "backtracking",
            },
        )?;
        set("enable_verifier", "true")?;
        // Nothing unwinds through the code, and it takes no stack to speak of.
        set("unwind_info", "false")?;
        set("enable_probestack", "false")?;
        let isa = cranelift_native::builder().map_err(str::to_owned)?;
        let isa = isa.finish(settings::Flags::new(flags)).map_err(|error| error.to_string())?;
        Ok(Self { isa })
    }

    /// Compiles a chunk; with its texts if `texts`. Cost: some ten microseconds for each group. A panic is caught, and a deep
    /// recursion is possible: to be called with a large stack.
    pub(crate) fn compile(
        &self,
        chunk: &Chunk,
        bench: &mut Bench,
        fault: Fault,
        texts: bool,
    ) -> Result<Compiled, Refusal> {
        catch_unwind(AssertUnwindSafe(|| self.generate(chunk, bench, fault, texts))).unwrap_or_else(|_| {
            // Whatever the panic left half done is not used again.
            *bench = Bench::default();
            Err(Refusal::Panicked)
        })
    }

    fn generate(
        &self,
        chunk: &Chunk,
        bench: &mut Bench,
        fault: Fault,
        texts: bool,
    ) -> Result<Compiled, Refusal> {
        let convention = CallConv::triple_default(self.isa.triple());
        let mut context = bench.context.take().unwrap_or_else(Context::new);
        context.clear();
        context.set_disasm(texts);
        context.func = emit(chunk, convention, self.isa.frontend_config(), &mut bench.builder);
        fault.apply(&mut context.func);
        check(&context.func, &chunk.regions).map_err(Refusal::Unchecked)?;
        let clif = texts.then(|| context.func.display().to_string());
        let compiled =
            context.compile(&*self.isa, &mut ControlPlane::default()).map_err(|error| match error.inner {
                CodegenError::Verifier(errors) => Refusal::Verifier(errors.to_string()),
                other => Refusal::Codegen(other.to_string()),
            })?;
        let buffer = &compiled.buffer;
        if !buffer.relocs().is_empty() {
            return Err(Refusal::Incomplete("relocations"));
        }
        if !buffer.traps().is_empty() || buffer.call_sites().next().is_some() {
            return Err(Refusal::Incomplete("traps or calls"));
        }
        let code = buffer.data().to_vec();
        let most = fault.most_bytes();
        if code.len() > most {
            return Err(Refusal::Large { what: "bytes of code", count: code.len(), most });
        }
        let asm = texts.then(|| compiled.vcode.clone().unwrap_or_default());
        let (regions, hash) = (chunk.regions.clone(), chunk.hash());
        bench.context = Some(context);
        Ok(Compiled { code, regions, hash, clif, asm })
    }
}

#[cfg(not(test))]
impl Fault {
    fn apply(self, _: &mut cranelift_codegen::ir::Function) {}

    fn most_bytes(self) -> usize {
        MOST_BYTES
    }

    pub(crate) fn refuses_memory(self) -> bool {
        false
    }
}

#[cfg(test)]
impl Fault {
    fn apply(self, function: &mut cranelift_codegen::ir::Function) {
        use cranelift_codegen::cursor::{Cursor, FuncCursor};
        use cranelift_codegen::ir::{InstBuilder, MemFlagsData, types};
        let Some(entry) = function.layout.entry_block() else { return };
        let parameters = function.dfg.block_params(entry).to_vec();
        let mut at = FuncCursor::new(function).at_first_insertion_point(entry);
        match self {
            // The rest is never come to.
            Self::Idle => {
                let after = at.func.dfg.make_block();
                at.func.layout.insert_block_after(after, entry);
                at.ins().return_(&[]);
                while let Some(inst) = at.current_inst() {
                    at.remove_inst();
                    at.func.layout.append_inst(inst, after);
                }
            }
            Self::Malformed => {
                let narrow = at.ins().iconst(types::I32, 1);
                at.ins().iadd(narrow, parameters[0]);
            }
            Self::Astray => {
                at.ins().load(types::I64, MemFlagsData::trusted(), parameters[3], 1 << 30);
            }
            Self::Panic => panic!("as asked"),
            Self::None | Self::Large | Self::Memory => {}
        }
    }

    fn most_bytes(self) -> usize {
        if self == Self::Large { 8 } else { MOST_BYTES }
    }

    pub(crate) fn refuses_memory(self) -> bool {
        self == Self::Memory
    }
}
