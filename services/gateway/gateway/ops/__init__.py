"""`/ops`: the console of those who run Channelbus, server-rendered and live."""
