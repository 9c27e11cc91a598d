"""The events that Channelbus states: pure data, written once."""
