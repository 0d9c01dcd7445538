"""What soulfra remembers in Redis of its log: asked first, made again when it is gone."""
