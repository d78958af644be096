//! The made hosts of `fixtures/synthetic`.

use super::{doctor_json, fixtures};
use serde::Deserialize;
use serde_json::Value;
use std::io::Read;
use std::path::Path;

/// One made host.
#[derive(Debug, Clone, Deserialize)]
pub struct Made {
    /// Release and what is wrong.
    pub name: String,
    /// The release that it is of.
    pub release: String,
    /// `json`, `sqlite`, or `quiet` where nothing locks anybody out.
    pub era: String,
    /// Accepted causes, best first.
    pub cause: Vec<String>,
    /// Paths of which one must stand in the evidence.
    pub subjects: Vec<String>,
    /// More options.
    pub options: String,
    /// The facts about OpenClaw that it follows.
    pub facts: String,
}

impl Made {
    /// Every made host, in order.
    pub fn all() -> Vec<Made> {
        let text = std::fs::read_to_string(fixtures().join("synthetic/index.json")).expect("index.json");
        serde_json::from_str(&text).expect("index.json is JSON")
    }

    /// Lays it out as an archive that stands for the host, and judges it.
    pub fn judge(&self, folder: &Path, more: &[&str]) -> Value {
        let packed = fixtures().join(format!("synthetic/hosts/{}.tar.gz", self.name));
        let mut bytes = Vec::new();
        let file = std::fs::File::open(packed).expect("the host's archive");
        flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("gzip");
        let root = folder.join(format!("{}.tar", self.name));
        std::fs::write(&root, bytes).expect("written");
        let mut arguments = vec!["check".to_owned(), "--json".to_owned(), "--root".to_owned()];
        arguments.push(root.to_string_lossy().into_owned());
        arguments.extend(self.options.split_whitespace().map(str::to_owned));
        arguments.extend(more.iter().map(|word| (*word).to_owned()));
        let answer = doctor_json(&arguments);
        let _ = std::fs::remove_file(root);
        answer
    }
}
