module slochaos.test/container-server

go 1.21
