// Every test here starts processes; two suites at once on a small machine make each other's timing probes fail.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
