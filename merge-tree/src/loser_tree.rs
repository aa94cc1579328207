//! A tournament tree over the runs of a merge: the smallest head in log2(runs) comparisons.
//!
//! Goes in: a strict order of runs by their current heads. Comes out: the run with the smallest. Invariants: node 0 is the winner,
//! every other node holds the loser of its match; after the head of the winner changed, only its path is played again.
//! Answers to `org.apache.paimon.mergetree.compact.LoserTree`.

/// The tree; leaf `i` is run `i`.
#[derive(Debug)]
pub(crate) struct LoserTree {
    nodes: Vec<usize>,
}

impl LoserTree {
    /// Plays all matches of `runs` runs, of which there is at least one.
    pub(crate) fn build(runs: usize, less: impl Fn(usize, usize) -> bool) -> Self {
        let mut winners = vec![0; 2 * runs];
        let mut nodes = vec![0; runs];
        for run in 0..runs {
            winners[runs + run] = run;
        }
        for node in (1..runs).rev() {
            let (left, right) = (winners[2 * node], winners[2 * node + 1]);
            let (winner, loser) = if less(right, left) { (right, left) } else { (left, right) };
            winners[node] = winner;
            nodes[node] = loser;
        }
        if let Some(root) = nodes.first_mut() {
            *root = winners[1];
        }
        Self { nodes }
    }

    /// The run with the smallest head.
    #[inline]
    pub(crate) fn winner(&self) -> usize {
        self.nodes[0]
    }

    /// Plays the path of `run`, the winner, whose head has changed.
    #[inline]
    pub(crate) fn replay(&mut self, run: usize, less: impl Fn(usize, usize) -> bool) {
        let mut winner = run;
        let mut node = (run + self.nodes.len()) / 2;
        while node > 0 {
            if less(self.nodes[node], winner) {
                std::mem::swap(&mut self.nodes[node], &mut winner);
            }
            node /= 2;
        }
        self.nodes[0] = winner;
    }

    /// The smallest run but for the winner: it lost to the winner, so it is on the winner's path. `None` with one run.
    pub(crate) fn runner_up(&self, less: impl Fn(usize, usize) -> bool) -> Option<usize> {
        let mut best = None;
        let mut node = (self.winner() + self.nodes.len()) / 2;
        while node > 0 {
            let loser = self.nodes[node];
            if best.is_none_or(|best| less(loser, best)) {
                best = Some(loser);
            }
            node /= 2;
        }
        best
    }
}
