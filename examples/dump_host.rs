use openclaw_doctor::collect::{listeners, processes, source::LiveSource};
use openclaw_doctor::model::SecretVault;
fn main() {
    let source = LiveSource::host().unwrap();
    let mut vault = SecretVault::default();
    let p = processes::collect(&source, &mut vault);
    println!("{}", serde_json::to_string_pretty(&p).unwrap());
    let ports: Vec<u16> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let l = listeners::collect(&source, &ports, &p.known().unwrap().processes, &mut vault);
    println!("{}", serde_json::to_string_pretty(&l).unwrap());
}
