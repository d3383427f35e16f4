module stsconf.dev/airgap/pause

go 1.26.0
