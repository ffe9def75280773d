// What the kernels are compared with: the same work written by hand and compiled by gcc.

double scalar(double a, double b, double x) { return a * x + b; }

void axpy3(double *restrict y, double a1, const double *x1, double a2, const double *x2, double a3,
           const double *x3, long n) {
    for (long i = 0; i < n; i++)
        y[i] += a1 * x1[i] + a2 * x2[i] + a3 * x3[i];
}
