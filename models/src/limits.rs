//! What a file may ask for.

/// Caps on a model file, checked before anything is built from it. The defaults take every model that an event path can afford.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: usize,
    /// Nodes of the graph, subgraphs included.
    pub nodes: usize,
    /// Values in one tensor or attribute.
    pub elements: usize,
    /// Trees in all.
    pub trees: usize,
    /// Nodes of trees in all.
    pub tree_nodes: usize,
    /// Decisions from a root to a leaf.
    pub depth: usize,
    /// Dimensions of a tensor.
    pub rank: usize,
    /// Inputs of the model, and outputs.
    pub ports: usize,
    /// Values that one row needs in the native back-end, constants included.
    pub memory: usize,
    /// Elementary operations of one row in the native back-end, trees counted by their depth.
    pub work: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            nodes: 50_000,
            elements: 16 << 20,
            trees: 20_000,
            tree_nodes: 8 << 20,
            depth: 256,
            rank: 8,
            ports: 1_024,
            memory: 16 << 20,
            work: 4 << 20,
        }
    }
}
