"""What keeps a device busy in any training: batches drawn ahead, recorded steps, losses read late."""
