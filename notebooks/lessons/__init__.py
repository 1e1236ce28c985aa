"""What each notebook needs beside prose: one module a lesson, on `hamodel.course`."""
