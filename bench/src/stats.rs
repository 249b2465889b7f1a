//! Samples, and statistics about them.

/// Measured values, sorted.
#[derive(Debug, Clone)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Panics if there are no values.
    pub(crate) fn new(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        assert!(!values.is_empty(), "nothing was measured");
        values.sort_by(f64::total_cmp);
        Self(values)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn min(&self) -> f64 {
        self.0[0]
    }

    pub(crate) fn max(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    pub(crate) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        if self.0.len() % 2 == 1 { self.0[middle] } else { f64::midpoint(self.0[middle - 1], self.0[middle]) }
    }

    /// The smallest value that at least this share of all values does not exceed (nearest rank).
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let rank = (share * self.0.len() as f64).ceil() as usize;
        self.0[rank.clamp(1, self.0.len()) - 1]
    }

    pub(crate) fn share(&self, holds: impl Fn(f64) -> bool) -> f64 {
        self.0.iter().filter(|value| holds(**value)).count() as f64 / self.0.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_order_statistics() {
        let samples = Samples::new((1..=100).rev().map(f64::from));
        assert_eq!((samples.min(), samples.median(), samples.max()), (1.0, 50.5, 100.0));
        assert_eq!((samples.quantile(0.99), samples.quantile(1.0), samples.quantile(0.0)), (99.0, 100.0, 1.0));
        assert_eq!(Samples::new([3.0]).quantile(0.99), 3.0);
        assert_eq!(samples.share(|v| v <= 25.0), 0.25);
    }
}
