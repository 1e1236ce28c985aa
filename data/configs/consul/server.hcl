# a server of five
datacenter = "fra"
server = true
bootstrap_expect = 5
encrypt = "s3cr3t-gossip"
retry_join = ["10.50.1.11", "10.50.2.11", "10.50.3.11"]
performance {
  raft_multiplier = 2
  rpc_hold_timeout = "7s"
}
acl {
  enabled = true
  tokens { agent = "s3cr3t-agent" }
}
autopilot {
  cleanup_dead_servers = true
  last_contact_threshold = "200ms"
}
