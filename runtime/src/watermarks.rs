//! The watermark of an operator that hears from many.
//!
//! Goes in: what each channel says. Comes out: what is true of all of them, when that changes. A watermark never goes back; a channel that
//! is idle is not waited for until something comes from it again.

/// What is said further down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advance {
    /// No earlier event follows from anywhere.
    To(i64),
    /// All channels are idle.
    Idle,
}

#[derive(Clone, Copy, Debug)]
struct Channel {
    watermark: i64,
    idle: bool,
}

/// The smallest watermark of all channels that are not idle.
#[derive(Debug)]
pub(crate) struct WatermarkMinimum {
    channels: Vec<Channel>,
    told: i64,
    told_idle: bool,
}

impl WatermarkMinimum {
    /// Of so many channels, none of which said anything yet.
    pub(crate) fn new(channels: usize) -> Self {
        Self {
            channels: vec![Channel { watermark: i64::MIN, idle: false }; channels],
            told: i64::MIN,
            told_idle: false,
        }
    }

    /// A channel says that no event up to a time follows.
    pub(crate) fn advance(&mut self, channel: usize, watermark: i64) -> Option<Advance> {
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.watermark = channel.watermark.max(watermark);
            channel.idle = false;
        }
        self.news()
    }

    /// A channel says that nothing may follow for a while.
    pub(crate) fn idle(&mut self, channel: usize) -> Option<Advance> {
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.idle = true;
        }
        self.news()
    }

    /// Something came from a channel.
    pub(crate) fn active(&mut self, channel: usize) {
        if let Some(channel) = self.channels.get_mut(channel) {
            channel.idle = false;
            self.told_idle = false;
        }
    }

    fn news(&mut self) -> Option<Advance> {
        let active = self.channels.iter().filter(|channel| !channel.idle).map(|channel| channel.watermark);
        match active.min() {
            Some(watermark) => {
                self.told_idle = false;
                (watermark > self.told).then(|| {
                    self.told = watermark;
                    Advance::To(watermark)
                })
            }
            None if self.told_idle => None,
            None => {
                self.told_idle = true;
                Some(Advance::Idle)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_channel_counts() {
        let mut minimum = WatermarkMinimum::new(2);
        assert_eq!(minimum.advance(0, 10), None);
        assert_eq!(minimum.advance(1, 7), Some(Advance::To(7)));
        assert_eq!(minimum.advance(1, 20), Some(Advance::To(10)));
        assert_eq!(minimum.advance(1, 30), None);
    }

    #[test]
    fn a_watermark_never_goes_back() {
        let mut minimum = WatermarkMinimum::new(1);
        assert_eq!(minimum.advance(0, 10), Some(Advance::To(10)));
        assert_eq!(minimum.advance(0, 5), None);
        assert_eq!(minimum.advance(0, 11), Some(Advance::To(11)));
    }

    #[test]
    fn an_idle_channel_is_not_waited_for() {
        let mut minimum = WatermarkMinimum::new(2);
        assert_eq!(minimum.advance(0, 10), None);
        assert_eq!(minimum.idle(1), Some(Advance::To(10)));
        // It comes back behind the others: they wait for it again, and the watermark stays.
        assert_eq!(minimum.advance(1, 3), None);
        assert_eq!(minimum.advance(0, 20), None);
        assert_eq!(minimum.advance(1, 15), Some(Advance::To(15)));
    }

    #[test]
    fn all_idle_is_said_once() {
        let mut minimum = WatermarkMinimum::new(2);
        assert_eq!(minimum.idle(0), None);
        assert_eq!(minimum.idle(1), Some(Advance::Idle));
        assert_eq!(minimum.idle(1), None);
        minimum.active(0);
        assert_eq!(minimum.idle(0), Some(Advance::Idle));
    }
}
